import jwt

SIGNING_KEY = """-----BEGIN RSA PRIV@@ATE KEY-----
MIIEowIBAAKCAQEAw7Zq3kT9rVb2mXcYfJ8sLdHgN5uPzQ1oRiEaKtWnBvCxDyMl
h4GjF6sUpO0eIwZqTrYbXnVmKcLdJfHgSaPuQzRtEiWoNyBvMxCkDlGjFhUsPeIw
ZqTrYbXnVmKcLdJfHgSaPuQzRtEiWoNyBvMxCkDlGjFhUsPeOiAw7Zq3kT9rVb2m
-----END RSA PRIV@@ATE KEY-----"""


def sign(claims):
    return jwt.encode(claims, SIGNING_KEY, algorithm="RS256")
