"""Compares signatures of webhooks with Stripe's Python library. See interop-payments, which runs this.

SOUK_SIGNATURE is the example `stripe_signature` of souk-payments.
"""

import os
import subprocess
import time

import stripe

SOUK = os.environ["SOUK_SIGNATURE"]
SECRET = "whsec_interop_secret"
BODY = '{"id":"evt_interop","object":"event","type":"invoice.paid","note":"ünïcode €","data":{"object":{}}}'


def souk(*arguments: str, body: str = BODY) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SOUK, *arguments], input=body, capture_output=True, text=True, encoding="utf-8", check=False)


def stripe_takes(body: str, header: str, secret: str) -> bool:
    try:
        return stripe.Webhook.construct_event(body, header, secret).id == "evt_interop"
    except stripe.SignatureVerificationError as problem:
        print(f"  Stripe's library refuses: {problem}")
        return False


def expect(what: str, holds: bool) -> None:
    print(f"  {'ok' if holds else 'FAILED'}: {what}")
    if not holds:
        raise SystemExit(1)


def main() -> None:
    print(f"  stripe {stripe.VERSION}, API {stripe.api_version}")
    now = int(time.time())

    # Stripe's library keeps the making of signatures where it checks them.
    signature = stripe.WebhookSignature._compute_signature(f"{now}.{BODY}", SECRET)
    header = f"t={now},v1={signature}"
    taken = souk("verify", SECRET, str(now), header)
    expect("Souk takes in what Stripe's library signed", taken.stdout == "evt_interop invoice.paid\n")
    expect("Souk refuses it once the body is changed", souk("verify", SECRET, str(now), header, body=BODY + " ").returncode != 0)
    expect("Souk refuses it with another secret", souk("verify", "whsec_other", str(now), header).returncode != 0)
    expect("Souk refuses it after 301 seconds", souk("verify", SECRET, str(now + 301), header).returncode != 0)

    header = souk("sign", SECRET, str(now)).stdout.strip()
    expect("both sign alike", header == f"t={now},v1={signature}")
    expect("Stripe's library takes in what Souk signed", stripe_takes(BODY, header, SECRET))
    expect("Stripe's library refuses it once the body is changed", not stripe_takes(BODY + " ", header, SECRET))
    expect("Stripe's library refuses it with another secret", not stripe_takes(BODY, header, "whsec_other"))
    old = souk("sign", SECRET, str(now - 301)).stdout.strip()
    expect("Stripe's library refuses what Souk signed 301 seconds ago", not stripe_takes(BODY, old, SECRET))


if __name__ == "__main__":
    main()
