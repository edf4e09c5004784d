//! Problem files, from text to minimum.

mod cases;
mod data;
mod examples;
mod minima;
mod styles;
