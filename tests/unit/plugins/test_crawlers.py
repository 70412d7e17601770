"""Which clients the list of well-known crawlers names, and which it lets be."""

import pytest

from gateline.pdk.regexes import Regex
from gateline.plugins.bot_detection.crawlers import WELL_KNOWN

CRAWLERS = """
Googlebot/2.1 (+http://www.google.com/bot.html)
facebookexternalhit/1.1
Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)
Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)
DuckDuckBot/1.0; (+http://duckduckgo.com/duckduckbot.html)
Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)
Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)
Twitterbot/1.0
LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)
AdsBot-Google (+http://www.google.com/adsbot.html)
Mediapartners-Google
ia_archiver (+http://www.alexa.com/site/help/webmasters; crawler@alexa.com)
Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)
Python-urllib/3.11
Scrapy/2.11.0 (+https://scrapy.org)
Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.0; +https://openai.com/gptbot)
Sogou web spider/4.0(+http://www.sogou.com/docs/help/webmasters.htm#07)
Exabot-Thumbnails/1.0
my-crawler/1.0
Screaming Frog SEO Spider/19.4
TelegramBot (like TwitterBot)
someone's Blog Indexer/1.0
""".strip().splitlines()

OTHERS = """
Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_4) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/51.0 Safari/537.36
Mozilla/5.0 (Linux; Android 9; CUBOT X19) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120 Mobile Safari/537.36
Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)
Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/120
Mozilla/5.0 (Linux; Android 10) YaBrowser/20 YandexSearch/7.80
curl/7.43.0
PostmanRuntime/7.32
python-requests/2.31
Go-http-client/1.1
okhttp/4.9
node-fetch/1.0
helloworld
""".strip().splitlines()

KNOWN = Regex(*WELL_KNOWN)


@pytest.mark.parametrize("agent", CRAWLERS)
def test_a_crawler_is_known(agent: str) -> None:
    assert KNOWN.found_in(agent)


@pytest.mark.parametrize("agent", OTHERS)
def test_other_clients_are_not_taken_for_one(agent: str) -> None:
    assert not KNOWN.found_in(agent)
