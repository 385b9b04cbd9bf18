//! The edge under its clients: who gets in, what it makes of nonsense, and what they notice of its death.

mod clients;
mod fanout;
mod hostile;
mod lane;
mod origin;
mod polling;
mod restart;
mod resume_storm;
mod rolling;
mod token;
