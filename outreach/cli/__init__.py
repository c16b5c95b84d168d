"""The operator's commands: `./run COMMAND …`."""
