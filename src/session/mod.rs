//! Sessions: where every endpoint of every live session stands, who may move it, and what was done.

pub mod audit;
