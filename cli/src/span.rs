//! Lengths of time on the command line: `500ms`, `90s`, `5m`, `2h`, `7d`, or seconds.

use std::time::Duration;

pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let refused = || format!("`{text}` is no length of time; write 500ms, 90s, 5m, 2h or 7d");
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let number: u64 = number.parse().map_err(|_| refused())?;
    let seconds = match unit {
        "ms" => return Ok(Duration::from_millis(number)),
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(refused()),
    };
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(refused)
}

/// As the contract carries it. `None` only beyond its range, which [`parse`] cannot reach in practice.
pub(crate) fn to_proto(span: Duration) -> Option<prost_types::Duration> {
    prost_types::Duration::try_from(span).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_have_a_unit_or_are_seconds() {
        for (text, millis) in
            [("500ms", 500), ("7", 7_000), ("90s", 90_000), ("5m", 300_000), ("2h", 7_200_000)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "-1s", "1.5h", "5 m", "1w", "99999999999999999999d"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
