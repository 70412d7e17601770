"""Well-known crawlers, by what they do. Names are compared without case, where a word begins.

A client that people use is not here, even where some crawlers call themselves like it: curl, browsers (also headless
ones), tools for testing APIs, HTTP libraries that many services use between themselves.
"""

__all__ = ["WELL_KNOWN"]

_KINDS = r"(?:bot|spider|crawler|scraper|archiver|indexer|fetcher)"

_FORMS = (
    # `SomeBot/1.0`, `example-spider/2`, `Example Crawler/3.1`
    rf"(?i:{_KINDS}[a-z_-]*/v?[0-9])",
    # `AdsBot-Google (+http://...)`, `exampleCrawler`
    rf"^(?i:[a-z0-9_.-]*{_KINDS}\b)",
    # `Mozilla/5.0 (compatible; Example Bot; ...)`
    rf"(?i:\bcompatible; *[^;()/]*{_KINDS}\b)",
    # `(+https://www.example.test/bot.html)`
    rf"(?i:https?://[^\s()]*{_KINDS}\b)",
)
"""How programs say that they are a crawler."""

_SEARCH = """
ask jeeves, appengine-google, apis-google, baiduspider, bingpreview, daumoa, duckduckbot, feedfetcher-google, google
favicon, google-adwords, google-read-aloud, google-safety, google-site-verification, googleother, gsa-crawler, google
web preview, ichiro, mediapartners-google, mojeek, naverbot, petalbot, qwantify, seznambot, slurp, sogou inst spider,
sogou news spider, sogou web spider, storebot-google, teoma, yacy, yahoo! slurp, yahooseeker, yandexaccessibility,
yandexblogs, yandexdirect, yandexfavicons, yandeximages, yandexmarket, yandexmedia, yandexmetrika, yandexnews,
yandexpagechecker, yandexvideo, yandexwebmaster, yeti/
"""
_ARCHIVES = "archive.org_bot, ccbot, commoncrawl, heritrix, ia_archiver, internetarchive, nutch"
_LINK_PREVIEWS = """
embedly, facebookcatalog, facebookexternalhit, flipboardproxy, iframely, linkedinbot, meta-externalagent,
meta-externalfetcher, pinterest/0., skypeuripreview, slack-imgproxy, slackbot, telegrambot, twitterbot, vkshare
"""
_LANGUAGE_MODELS = """
amazonbot, anthropic-ai, bytespider, chatgpt-user, claude-user, claude-web, claudebot, cohere-ai, diffbot,
google-extended, gptbot, img2dataset, oai-searchbot, omgili, perplexity-user, perplexitybot
"""
_MARKET_RESEARCH = """
ahrefs, barkrowler, blexbot, dataforseo, dotbot, linkdex, majestic, mj12bot, netcraft, panscient, rogerbot, screaming
frog, semrush, serpstat, seokicks, siteimprove, sistrix, spbot
"""
_COLLECTORS = """
emailcollector, emailsiphon, emailwolf, extractorpro, grub-client, htdig, httrack, larbin, linkwalker, magpierss,
offline explorer, simplepie, sitesnagger, teleport pro, universalfeedparser, w3c-checklink, w3c_validator, webcopier,
webreaper, webzip, xenu link sleuth
"""
_LIBRARIES = """
apache-httpclient, colly, google-http-java-client, jnlp, libwww-perl, lwp-trivial, lwp::simple, mechanize,
python-urllib, scrapy, winhttp, wordpress/
"""
_SCANNERS = """
acunetix, dirbuster, gobuster, jorgee, masscan, morfeus, nessus, netsparker, nikto, nmap scripting engine, nuclei,
openvas, sqlmap, whatweb, wpscan, zgrab, zmeu
"""
_WATCHERS = """
catchpoint, gomezagent, httpmonitor, pingdom, site24x7, statuscake, tlsprober, uptimerobot, yottaamonitor
"""


def _escaped(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in " /_:!" else f"\\{letter}" for letter in name)


def _names() -> str:
    lists = (
        _SEARCH,
        _ARCHIVES,
        _LINK_PREVIEWS,
        _LANGUAGE_MODELS,
        _MARKET_RESEARCH,
        _COLLECTORS,
        _LIBRARIES,
        _SCANNERS,
        _WATCHERS,
    )
    names = [" ".join(name.split()) for names in lists for name in names.split(",")]
    return rf"\b(?i:{'|'.join(map(_escaped, names))})"


WELL_KNOWN = (*_FORMS, _names())
"""Regexes for the header `User-Agent`."""
