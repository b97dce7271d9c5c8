import os

API_KEY = os.environ["ACME_API_KEY"]
CLIENT_SECRET = os.getenv("ACME_CLIENT_SECRET_PRODUCTION_2024")
headers = {"Authorization": f"Bearer {API_KEY}"}
password = config.get("database.primary.password.v2")
