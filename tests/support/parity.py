"""Makes pairs of AWS files, valid and broken, and says what botocore makes of each.

A line of JSON for each pair: the two files (hex, since they need not be text), what botocore reads in
them, and what each profile's credentials would come from. The same seed gives the same pairs.

Nothing is fetched: where botocore would run a program, read a token or ask a server, it is told that
this went well. What is asked of it is which of these it would do, and with what.

    python3 parity.py SEED COUNT
"""

import datetime
import json
import os
import random
import sys
import tempfile

import botocore.configloader
import botocore.configprovider
import botocore.credentials
import botocore.session
import botocore.utils

NAMES = ["a", "b", "dev", "prod", "default", "my team", "ünï", "x.y/z", "o'brien"]
SESSIONS = ["corp", "lab", "old one"]
ODD = ["", "#", "# no comment", "a ; b", "a=b:c", "'q'", '"q"', "%(x)s", "$HOME", "ß", "[x]", "\u00a0y", "tab\tin", "a\u2028b = c", "a\x0bb", "\x00"]
SPACES = ["", " ", " ", " ", "  ", "\t", " \t "]


class Maker:
    """One pair of files."""

    def __init__(self, rng):
        self.rng = rng
        self.end = rng.choice(["\n"] * 6 + ["\r\n"] * 2 + ["\r"])
        # How often something odd or broken comes in: in most files seldom, in some often.
        self.odd = rng.choice([0, 0, 0.02, 0.1, 0.3])
        self.broken = rng.choice([0, 0, 0, 0, 0.02, 0.1])

    def chance(self, probability):
        return self.rng.random() < probability

    def pick(self, *choices):
        return self.rng.choice(choices)

    def case(self, word):
        if self.chance(self.odd):
            return self.pick(word.upper(), word.capitalize(), word.swapcase())
        return word

    def header(self, kind, name):
        quoted = f'"{name}"' if " " in name else name
        if "'" in name:
            quoted = f'"{name}"'
        if self.chance(self.odd):
            quoted = self.pick(f'"{name}"', f"'{name}'", name, name.replace(" ", "\\ "))
        if kind == "profile" and name == "default" and self.chance(0.7):
            text = "default"
        else:
            space = self.pick(*SPACES[1:]) if self.chance(self.odd) else " "
            text = f"{kind}{space}{quoted}"
        if self.chance(self.odd):
            text = self.pick(text + " ", " " + text, text + " more", text + "s", text.upper(), kind, "plugins", "profiles " + name)
        after = self.pick("", " # behind", " junk", "]") if self.chance(self.odd) else ""
        before = self.pick("", " ", "\t") if self.chance(self.odd) else ""
        return [f"{before}[{text}]{after}"]

    def property(self, key, value):
        """The lines of one key: its value, odd or not, or settings of its own."""
        if isinstance(value, dict):
            indent = self.pick("  ", " ", "\t", "    ")
            lines = [f"{self.case(key)}{self.pick(*SPACES)}="]
            for inner, text in value.items():
                if self.chance(self.odd * 0.3):
                    text = self.pick(*ODD)
                if self.chance(self.odd):
                    lines.append(self.pick("", "# between", indent + "# inside", "  ; x"))
                lines.append(f"{indent}{inner}{self.pick(*SPACES)}={self.pick(*SPACES)}{text}")
                if self.chance(self.broken):
                    lines.append(self.pick(indent + "no equals sign", indent + "= x", indent + "a: b"))
            return lines
        between = self.pick(*SPACES) + self.pick("=", "=", "=", ":") + self.pick(*SPACES)
        before = self.pick("", "  ", "\t") if self.chance(self.odd) else ""
        lines = [f"{before}{self.case(key)}{between}{value}{self.pick('', '', ' ', chr(9))}"]
        if self.chance(self.odd):
            more = before + self.pick("  ", "\t", "    ")
            lines.append(self.pick(more + "goes on", more + "k = v", more + "[not a header]", more + "# a comment", ""))
            if self.chance(0.5):
                lines.append(self.pick("", "# c", "\x0c", more + "and on"))
                lines.append(more + self.pick("end", "x = y"))
        return lines

    def section(self, kind, name, keys):
        lines = self.header(kind, name) if kind else [f"[{name}]"]
        items = list(keys.items())
        if self.chance(0.3):
            self.rng.shuffle(items)
        for key, value in items:
            if self.chance(self.odd):
                lines.append(self.pick("", "# a comment", "; another", "   # indented", "\t"))
            if not isinstance(value, dict) and self.chance(self.odd * 0.2):
                value = self.pick(*ODD)
            lines += self.property(key, value)
            if self.chance(self.broken * 0.5):
                lines += self.property(key, value)  # twice
        if self.chance(self.odd):
            odd_key = self.pick("unknown_key", "two words", "ünï", "a.b", "s3", "x-y")
            lines += self.property(odd_key, self.pick(*ODD))
        if self.chance(self.broken):
            lines.append(self.pick("junk", "= no key", ": x", "[]", "[open", "]", "key"))
        if self.chance(0.7):
            lines.append("")
        return lines

    def file(self, sections):
        lines = []
        if self.chance(self.broken):
            lines.append(self.pick("before = any section", "junk", "# fine", "  indented"))
        for section in sections:
            lines += self.section(*section)
            if self.chance(self.broken * 0.3):
                lines += self.section(*section)  # twice
        text = self.end.join(lines) + self.pick(self.end, self.end, "")
        data = text.encode()
        if self.chance(self.broken):
            data = self.pick(b"\xef\xbb\xbf" + data, data + b"# \xff\xfe" + self.end.encode(), data.replace(b"a", b"\xe9", 1))
        return data

    def pair(self):
        """What the two files say, before it is written down oddly."""
        names = self.rng.sample(NAMES, self.pick(1, 2, 3, 4))
        sessions = self.rng.sample(SESSIONS, self.pick(0, 1, 1, 2))
        config = [("sso-session", name, self.sso_session()) for name in sessions]
        credentials = []
        for name in names:
            keys = self.profile(name, names, sessions)
            where = self.pick("config", "config", "config", "both")
            if where == "both":
                credentials.append((None, name, self.credentials()))
            if keys or where == "config":
                config.append(("profile", name, keys))
        if self.chance(0.3):
            config.append(("services", self.pick("local", "other one"), self.services()))
        if self.chance(0.2):
            credentials.append((None, self.pick(*NAMES), self.credentials()))
        if self.chance(0.1):
            config.append((None, self.pick("plugins", "preview", "a", "toplevel"), {"x": "y"}))
        self.rng.shuffle(config)
        return self.file(config), self.file(credentials)

    def sso_session(self):
        keys = {"sso_start_url": self.url(), "sso_region": self.pick("eu-west-1", "us-east-1")}
        if self.chance(0.5):
            keys["sso_registration_scopes"] = self.pick("sso:account:access", "a, b", "")
        return self.without_some(keys)

    def without_some(self, keys):
        return {key: value for key, value in keys.items() if not self.chance(0.06)}

    def url(self):
        return self.pick("https://corp.awsapps.com/start", "https://corp.awsapps.com/start/", "https://lab.awsapps.com/start#/")

    def credentials(self):
        keys = {"aws_access_key_id": "AKIAFILE", "aws_secret_access_key": "secret-of-the-file"}
        if self.chance(0.2):
            keys["aws_session_token"] = "token-of-the-file"
        if self.chance(0.2):
            keys["region"] = "ap-south-1"
        if self.chance(0.1):
            keys = {"role_session_name": "from-credentials"}
        return self.without_some(keys)

    def profile(self, name, names, sessions):
        keys = {}
        kinds = [self.sso, self.sso, self.older_sso, self.role, self.role, self.ambient_role]
        kinds += [self.web_identity, self.process, self.login, self.access_key, lambda *_: {}]
        for _ in range(self.pick(1, 1, 1, 2, 3)):
            keys.update(self.rng.choice(kinds)(name, names, sessions))
        if self.chance(0.5):
            keys["region"] = self.pick("eu-central-1", "us-gov-west-1", "eu-west-1")
        if self.chance(0.3):
            keys["output"] = self.pick("json", "text")
        if self.chance(0.2):
            keys["s3"] = {"addressing_style": "path", "max_concurrent_requests": "20"}
        if self.chance(0.15):
            keys["services"] = self.pick("local", "other one", "gone")
        if self.chance(0.1):
            keys["endpoint_url"] = "http://127.0.0.1:4566"
        return keys

    def sso(self, _name, _names, sessions):
        keys = {
            "sso_session": self.pick(*(sessions or ["corp"])) if self.chance(0.93) else "gone",
            "sso_account_id": self.pick("012345678901", "222222222222"),
            "sso_role_name": self.pick("Admin", "Read Only"),
        }
        if self.chance(0.2):
            keys["sso_region"] = self.pick("eu-west-1", "us-east-1")
        if self.chance(0.15):
            keys["sso_start_url"] = self.url()
        return self.without_some(keys)

    def older_sso(self, _name, _names, _sessions):
        keys = self.sso(_name, _names, []) | {"sso_start_url": self.url(), "sso_region": "eu-west-1"}
        keys.pop("sso_session", None)
        return self.without_some(keys)

    def role(self, name, names, _sessions):
        source = self.pick(*names) if self.chance(0.93) else "gone"
        keys = {"role_arn": f"arn:aws:iam::333333333333:role/{self.pick('R', 'path/R')}", "source_profile": source}
        for key, value in [
            ("external_id", "partner"),
            ("mfa_serial", "arn:aws:iam::333333333333:mfa/me"),
            ("role_session_name", "me"),
            ("duration_seconds", self.pick("900", "3600", "43200", "soon")),
        ]:
            if self.chance(0.15):
                keys[key] = value
        return self.without_some(keys)

    def ambient_role(self, name, names, sessions):
        keys = self.role(name, names, sessions)
        if self.chance(0.85):
            keys.pop("source_profile", None)
        keys["credential_source"] = self.pick("Environment", "Ec2InstanceMetadata", "EcsContainer", "EcsContainer", "environment")
        return keys

    def web_identity(self, _name, _names, _sessions):
        return self.without_some({"role_arn": "arn:aws:iam::333333333333:role/W", "web_identity_token_file": "/tmp/token"})

    def process(self, *_):
        return {"credential_process": self.pick("/bin/p", '"/opt/my tools/p" --x "a b"')}

    def login(self, *_):
        return {"login_session": "arn:aws:iam::333333333333:user/me"}

    def access_key(self, *_):
        return self.without_some({"aws_access_key_id": "AKIACONFIG", "aws_secret_access_key": "secret-of-the-config"})

    def services(self):
        some = {"s3": {"endpoint_url": "http://localhost:1"}, "sso_oidc": {"endpoint_url": "https://oidc.example"}}
        return {key: value for key, value in some.items() if self.chance(0.8)}


def pretend():
    """What botocore would run, read or ask goes well."""
    far = datetime.datetime(2100, 1, 1, tzinfo=datetime.timezone.utc)
    given = {"access_key": "AK", "secret_key": "SK", "token": "T", "expiry_time": far.isoformat(), "account_id": None}
    module = botocore.credentials
    module.ProcessProvider._retrieve_credentials_using = lambda *_: dict(given)
    module.LoginCredentialFetcher.load_cached_credentials = lambda *_: dict(given)
    module.EC = module.EC or object()
    sourcer = module.CanonicalNameCredentialSourcer

    def source_credentials(self, name):
        self._get_provider(name)
        return module.Credentials("AK", "SK", method=name)

    sourcer.source_credentials = source_credentials


class Asked:
    """With what botocore would fetch: the arguments of the fetchers that it made, the last one first."""

    def __init__(self):
        self.calls = []
        for name in ["SSOCredentialFetcher", "AssumeRoleCredentialFetcher", "AssumeRoleWithWebIdentityCredentialFetcher"]:
            self.watch(getattr(botocore.credentials, name))

    def watch(self, fetcher):
        made = fetcher.__init__

        def init(this, *positional, **named):
            self.calls.append(named)
            made(this, *positional, **named)

        fetcher.__init__ = init


def resolved(profile, asked):
    """Where the credentials of a profile come from, or botocore's error: now, or as it makes a client."""
    asked.calls.clear()
    try:
        session = botocore.session.Session(profile=profile, include_builtin_handlers=False)
        session.full_config
        credentials = session.get_credentials()
        region = session.get_config_variable("region")
        for used in [region, *(call.get("sso_region") for call in asked.calls)]:
            botocore.utils.validate_region_name(used)
        botocore.configprovider.ConfiguredEndpointProvider(
            session.full_config, session.get_scoped_config(), "sts"
        ).provide()
    except Exception as error:  # whatever it is, the AWS CLI would end with it
        return {"error": f"{type(error).__name__}: {error}"}
    answer = {"method": credentials.method if credentials else "none", "region": region}
    for call in reversed(asked.calls):
        answer.setdefault("role_arn", call.get("role_arn"))
        answer.setdefault("account", call.get("account_id"))
        answer.setdefault("role", call.get("role_name"))
        answer.setdefault("arguments", call.get("extra_args"))
    for call in asked.calls:
        if "start_url" in call:
            answer["start_url"] = call["start_url"]
            answer["session"] = call.get("sso_session_name")
    return answer


def judged(config, credentials, folder, asked):
    """What botocore makes of a pair of files."""
    for name, data in [("config", config), ("credentials", credentials)]:
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)
    case = {"config": config.hex(), "credentials": credentials.hex()}
    try:
        full = botocore.session.Session(include_builtin_handlers=False).full_config
        botocore.configloader.raw_config_parse(os.path.join(folder, "credentials"))
    except Exception as error:
        return case | {"error": f"{type(error).__name__}: {error}"}
    case["profiles"] = full["profiles"]
    case["sso_sessions"] = full.get("sso_sessions", {})
    case["services"] = full.get("services", {})
    case["resolved"] = {name: resolved(name, asked) for name in full["profiles"]}
    return case


def main():
    seed, count = int(sys.argv[1]), int(sys.argv[2])
    for name in list(os.environ):
        if name.startswith(("AWS_", "BOTO")):
            del os.environ[name]
    pretend()
    asked = Asked()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "HOME": folder,
            "AWS_CONFIG_FILE": os.path.join(folder, "config"),
            "AWS_SHARED_CREDENTIALS_FILE": os.path.join(folder, "credentials"),
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        for number in range(count):
            config, credentials = Maker(random.Random(seed * 1_000_003 + number)).pair()
            print(json.dumps(judged(config, credentials, folder, asked)))


main()
