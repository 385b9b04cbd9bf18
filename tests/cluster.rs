//! Several cores on one PostgreSQL database, with Redis between them.

mod bus;
mod house;
mod jobs;
mod rights;
