"""Generate exercises from solutions, and prove that they give no answer away."""
