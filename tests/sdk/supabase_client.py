"""Drives a running server with the real supabase-py. Arguments: its address, the anon key."""

import json
import sys

from supabase import create_client
from supabase_auth.errors import AuthApiError

url, anon_key = sys.argv[1:]
email, password = "alan@example.com", "correct horse battery"

client = create_client(url, anon_key)
signed_up = client.auth.sign_up({"email": email, "password": password})
assert signed_up.user.email == email and signed_up.session.access_token, signed_up

signed_in = client.auth.sign_in_with_password({"email": email, "password": password})
assert signed_in.user.id == signed_up.user.id, signed_in

refreshed = client.auth.refresh_session()
assert refreshed.session.refresh_token != signed_in.session.refresh_token
assert client.auth.get_user().user.id == signed_up.user.id

greeting = json.loads(client.functions.invoke("hello", {"body": {"name": "Alan"}}))
assert greeting["message"] == "Hello, Alan!" and greeting["user"] == signed_up.user.id, greeting

token = refreshed.session.access_token
client.auth.sign_out()
try:
    create_client(url, anon_key).auth.get_user(token)
except AuthApiError:
    pass
else:
    raise AssertionError("a token dies with its session")
