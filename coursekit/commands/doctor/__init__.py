"""`coursekit doctor`: health checks of the installation."""
