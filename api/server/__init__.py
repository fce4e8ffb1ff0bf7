"""gunicorn and uvicorn as they serve the application."""
