//! `UserService`: who is registered.

use std::sync::Arc;

use roomcast_proto::registry::Code;
use roomcast_proto::v1::{self, user_service_server::UserService};
use tonic::{Request, Response, Status};

use super::access::{commit, list, make_room};
use super::wire::access as wire;
use super::wire::check;
use crate::auth::{Admitted, Caller, Door};
use crate::domain::access::{Command, Entry, Table};
use crate::domain::limits;
use crate::error::status;
use crate::log::Log;
use crate::store::AccessQuery;

/// The door to the registered users.
#[derive(Debug, Clone)]
pub struct Users {
    log: Log,
    door: Arc<Door>,
}

impl Users {
    /// The service over a log.
    #[must_use]
    pub fn new(log: Log, door: Arc<Door>) -> Users {
        Users { log, door }
    }

    async fn commit(&self, caller: &Caller, command: Command) -> Result<v1::User, Status> {
        wire::user_of(commit(&self.log, &self.door, caller, command).await?)
    }

    async fn set_disabled(
        &self,
        caller: &Caller,
        tenant: String,
        id: String,
        is_disabled: bool,
    ) -> Result<Option<v1::User>, Status> {
        let id = wire::subject("user_id", id)?;
        self.commit(caller, Command::SetDisabled { tenant, id, is_disabled }).await.map(Some)
    }
}

#[tonic::async_trait]
impl UserService for Users {
    async fn put_user(
        &self,
        request: Request<v1::PutUserRequest>,
    ) -> Result<Response<v1::PutUserResponse>, Status> {
        let Admitted { caller, tenant, request, .. } = self.door.admit(&self.log, request).await?;
        let v1::PutUserRequest { user_id, display_name, .. } = request;
        let id = wire::subject("user_id", user_id)?;
        let display_name =
            check::title("display_name", display_name, limits::DISPLAY_NAME_BYTES_MAX)?;
        make_room(&self.door, Table::User)?;
        let user = self.commit(&caller, Command::PutUser { tenant, id, display_name }).await?;
        Ok(Response::new(v1::PutUserResponse { user: Some(user) }))
    }

    async fn get_user(
        &self,
        request: Request<v1::GetUserRequest>,
    ) -> Result<Response<v1::GetUserResponse>, Status> {
        let Admitted { tenant, request, .. } = self.door.admit(&self.log, request).await?;
        let entry = self.find(&tenant, &request.user_id).await?;
        Ok(Response::new(v1::GetUserResponse { user: Some(wire::user_of(Some(entry))?) }))
    }

    async fn list_users(
        &self,
        request: Request<v1::ListUsersRequest>,
    ) -> Result<Response<v1::ListUsersResponse>, Status> {
        let Admitted { tenant, request, .. } = self.door.admit(&self.log, request).await?;
        let asked = (request.page_size, request.page_token.as_str());
        let (entries, next_page_token) = list(&self.log, Table::User, tenant, asked).await?;
        let users = entries.into_iter().map(|entry| wire::user_of(Some(entry)));
        let users = users.collect::<Result<_, _>>()?;
        Ok(Response::new(v1::ListUsersResponse { users, next_page_token }))
    }

    async fn disable_user(
        &self,
        request: Request<v1::DisableUserRequest>,
    ) -> Result<Response<v1::DisableUserResponse>, Status> {
        let Admitted { caller, tenant, request, .. } = self.door.admit(&self.log, request).await?;
        let user = self.set_disabled(&caller, tenant, request.user_id, true).await?;
        Ok(Response::new(v1::DisableUserResponse { user }))
    }

    async fn enable_user(
        &self,
        request: Request<v1::EnableUserRequest>,
    ) -> Result<Response<v1::EnableUserResponse>, Status> {
        let Admitted { caller, tenant, request, .. } = self.door.admit(&self.log, request).await?;
        let user = self.set_disabled(&caller, tenant, request.user_id, false).await?;
        Ok(Response::new(v1::EnableUserResponse { user }))
    }

    async fn delete_user(
        &self,
        request: Request<v1::DeleteUserRequest>,
    ) -> Result<Response<v1::DeleteUserResponse>, Status> {
        let Admitted { caller, tenant, request, .. } = self.door.admit(&self.log, request).await?;
        let id = wire::subject("user_id", request.user_id)?;
        self.commit(&caller, Command::DeleteUser { tenant, id }).await?;
        Ok(Response::new(v1::DeleteUserResponse {}))
    }
}

impl Users {
    async fn find(&self, tenant: &str, id: &str) -> Result<Entry, Status> {
        let query = AccessQuery {
            table: Table::User,
            tenant: Some(tenant.to_owned()),
            name: Some(id.to_owned()),
            after: None,
            limit: 1,
        };
        let found = self.log.store().access(query).await.map_err(status)?.pop();
        found.ok_or_else(|| Code::UserNotFound.status("no such user"))
    }
}
