"""The pages of staff, a folder for each entry of the menu."""
