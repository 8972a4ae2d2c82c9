"""The learner contract, and one learner a file."""
