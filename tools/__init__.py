"""Tools of the project's own work: set-up, screenshots, the bare-machine proof. Not part of the program."""
