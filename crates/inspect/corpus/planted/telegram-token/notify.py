import urllib.request

TOKEN = "6284917305:AA@@HkQz7vXw2RtLmN9bYcJdFsPgUeVoIi4Wx"


def tell(chat, text):
    urllib.request.urlopen(f"https://api.telegram.org/bot{TOKEN}/sendMessage?chat_id={chat}&text={text}")
