"""What the validators for Rust share."""
