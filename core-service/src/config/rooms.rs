//! The setting that declares rooms.

use std::collections::BTreeMap;

use roomcast_proto::dashboard;

use crate::domain::room::{self, Audience, Declaration, Rooms};

/// Why a text declares no rooms.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is not TOML, or not of this form.
    #[error("rooms are declared as NAME,… or in TOML as NAME = {{ read = …, publish = … }}: {0}")]
    Form(#[from] toml::de::Error),
    /// One of them cannot be a room.
    #[error(transparent)]
    Room(#[from] room::Error),
    /// One of them is a view.
    #[error("`{0}` is a view of other rooms; declare those")]
    View(String),
}

/// The dashboard's rooms: everybody reads them, administrators their own, and only services and
/// administrators publish.
#[must_use]
pub fn dashboard() -> Rooms {
    let mut rooms = Rooms::default();
    let viewed = Declaration { last: Some(true), ..Declaration::default() };
    let admin = Declaration { read: Some(Audience::nobody()), ..viewed.clone() };
    let viewed = dashboard::VIEWED.map(|name| (name, viewed.clone()));
    for (name, declaration) in viewed.into_iter().chain([(dashboard::ADMIN, admin)]) {
        // Names of the contract are names of rooms.
        let _ = rooms.declare(name, declaration);
    }
    rooms
}

/// Reads names, separated by commas, or TOML with a table for each room. Either adds to the dashboard's.
///
/// # Errors
/// [`Error`].
pub fn parse(text: &str) -> Result<Rooms, Error> {
    let mut rooms = dashboard();
    let mut declare = |name: &str, declaration| match name {
        dashboard::VIEW => Err(Error::View(name.into())),
        name => Ok(rooms.declare(name, declaration)?),
    };
    // A table that says nothing is a header alone.
    if text.contains(['=', '[']) {
        let declared: BTreeMap<String, Declaration> = toml::from_str(text)?;
        for (name, declaration) in declared {
            declare(&name, declaration)?;
        }
    } else {
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            declare(name, Declaration::default())?;
        }
    }
    Ok(rooms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::room::Merge;

    #[test]
    fn names_alone_are_rooms_that_everybody_reads() {
        let rooms = parse("open, news").expect("rooms");
        assert!(rooms.get("open").is_some() && rooms.get("news").is_some());
        assert!(rooms.get("agents").is_some(), "the dashboard's are there as well");
        assert_eq!(parse(""), Ok(dashboard()));
        assert!(parse("[open]\n").expect("rooms").get("open").is_some(), "a table may be empty");
    }

    #[test]
    fn everybody_reads_the_dashboard_and_only_administrators_the_operators_room() {
        let rooms = dashboard();
        let roles = [String::from("editor")];
        let ana = room::Asking { user: "ana", roles: &roles };
        for name in dashboard::VIEWED {
            let room = rooms.get(name).expect("declared");
            assert!(room.may_read(ana) && room.tells_last, "{name}");
            assert!(!room.may_publish(ana, "agent_status_update"), "{name}");
        }
        assert!(!rooms.get("admin").expect("declared").may_read(ana));
        assert_eq!(rooms.get(dashboard::VIEW), None);
    }

    #[test]
    fn one_table_says_all_of_a_room() {
        let text = r#"
            open = {}
            load = { merge = "last_value", last = true }
            agents.publish.agent_status_update = ["role:agent"]
        "#;
        let rooms = parse(text).expect("rooms");
        let load = rooms.get("load").expect("declared");
        assert_eq!((load.merge, load.tells_last), (Merge::LastValue, true));
        let agent = [String::from("agent")];
        let agent = room::Asking { user: "a", roles: &agent };
        let agents = rooms.get("agents").expect("declared");
        assert!(agents.may_publish(agent, "agent_status_update") && agents.tells_last);
        assert!(!agents.may_publish(agent, "other"));
    }

    #[test]
    fn a_mistake_is_told_with_its_place() {
        for (text, told) in [
            ("open = 1", "open = 1"),
            ("open = { reed = [] }", "reed"),
            ("open = { read = [\"admin\"] }", "admin"),
            ("dashboard = {}", "view"),
            ("a b", "a b"),
        ] {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}
