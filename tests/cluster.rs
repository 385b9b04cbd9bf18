//! Several cores on one PostgreSQL database, with Redis between them.

mod bus;
mod chaos;
mod failover;
mod house;
mod jobs;
mod load;
mod outage;
mod presence;
mod racing;
mod rights;
mod severed;
mod standby;
mod unheard;
mod upgrade;
