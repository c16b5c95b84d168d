"""Evidence that an authority was reached, and the steps that follow where there is none."""
