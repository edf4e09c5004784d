//! Problem files, from text to minimum.

mod cases;
mod data;
mod examples;
mod messages;
mod minima;
mod spaces;
