//! The edge under its clients: who gets in, what it makes of nonsense, and what they notice of its death.

mod clients;
mod connections;
mod expiry;
mod fanout;
mod hostile;
mod idle;
mod lane;
mod late;
mod origin;
mod polling;
mod recover;
mod restart;
mod resume_storm;
mod rights;
mod rolling;
mod token;
