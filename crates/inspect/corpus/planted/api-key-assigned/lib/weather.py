import requests

BASE = "https://api.weather.acme-corp.io/v2"
API_KEY = "c7f2K9xQm4Zt8Wb1Rv6Ns3Lp"


def today(city):
    return requests.get(f"{BASE}/today", params={"q": city, "key": API_KEY}, timeout=10).json()
