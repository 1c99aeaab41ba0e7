"""moto's AWS, with a user and three roles in it: a second opinion on what vault asks STS.

Prints a line of JSON (its URL, the user's key) when it is ready, and ends when its stdin does.

    python3 moto_server.py checked     every request must be signed with a key that moto knows, and allowed
    python3 moto_server.py unchecked   moto can't check the token of a web identity: it fails where it checks
"""

import json
import sys
import threading
import urllib.request

import boto3
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server, WSGIRequestHandler

ANYTHING_WITH_STS = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:*", "Resource": "*"}]}
)


class Quiet(WSGIRequestHandler):
    def log(self, *_):
        pass


def check_from_now_on(url):
    headers = {"Content-Type": "text/plain"}
    request = urllib.request.Request(f"{url}/moto-api/reset-auth", b"0", headers, method="POST")
    urllib.request.urlopen(request).read()


def main():
    app = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    iam = boto3.client(
        "iam", endpoint_url=url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    iam.create_user(UserName="jo")
    key = iam.create_access_key(UserName="jo")["AccessKey"]
    iam.put_user_policy(UserName="jo", PolicyName="sts", PolicyDocument=ANYTHING_WITH_STS)
    for role in ["First", "Second", "Powerless"]:
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=ANYTHING_WITH_STS)
    for role in ["First", "Second"]:
        iam.put_role_policy(RoleName=role, PolicyName="sts", PolicyDocument=ANYTHING_WITH_STS)
    if sys.argv[1] == "checked":
        check_from_now_on(url)
    print(json.dumps({"url": url, "id": key["AccessKeyId"], "secret": key["SecretAccessKey"]}), flush=True)
    sys.stdin.read()


main()
