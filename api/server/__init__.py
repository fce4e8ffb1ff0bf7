"""gunicorn as it serves the application."""
