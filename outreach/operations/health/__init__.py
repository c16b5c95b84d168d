"""Health: checks of the machine, the database, mail and work, and the alerts that follow from them."""
