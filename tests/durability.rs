//! What survives a core that dies.

mod kill;
