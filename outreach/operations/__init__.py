"""What keeps the service running: clock and mail room, health, backups, retention, migrations, the demonstration."""
