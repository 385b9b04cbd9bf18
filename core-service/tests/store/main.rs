//! The store against what a disk and a process can do to it: killed, out of room, cut off from power.

mod child;
mod crash;
mod folder;
mod full;
mod ledger;
mod mount;
mod power;
