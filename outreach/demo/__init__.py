"""What a demonstration needs: its people and a sample of the directory, safe by construction."""
