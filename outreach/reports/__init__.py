"""What the ministry tells: notes to Parliament, their files and their charts."""
