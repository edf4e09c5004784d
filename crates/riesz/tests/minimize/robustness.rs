//! Bad input, interruption, and objectives that misbehave.
