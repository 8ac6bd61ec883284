"""The operator's command: what it prints, and how it says what is wrong."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from db import ids
from server.__main__ import COMMANDS, main


@dataclass
class Ran:
    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in this process, with a data directory of its own."""
    for name in list(os.environ):
        if name.startswith("ROLODESK_") or name == "PORT":
            monkeypatch.delenv(name)
    monkeypatch.setenv("ROLODESK_DATA_DIR", str(tmp_path / "data"))

    def ran(*arguments: str, **settings: str) -> Ran:
        with monkeypatch.context() as patch:
            for name, value in settings.items():
                patch.setenv(name, value)
            code = main(arguments)
        said = capfd.readouterr()
        return Ran(code, said.out, said.err)

    return ran


@pytest.fixture
def workspace(run: Run) -> str:
    run("migrate")
    return run("workspace", "create", "Acme").out.strip()


def test_makes_a_workspace_and_prints_its_id_alone(run: Run) -> None:
    assert run("migrate").code == 0
    made = run("workspace", "create", "Acme Ltd")
    assert made.code == 0
    assert ids.kind_of(made.out.removesuffix("\n")) == "workspace"
    assert run("workspace", "list").out == f"{made.out.strip()}  acme-ltd  Acme Ltd\n"


def test_makes_a_key_and_prints_it_alone(run: Run, workspace: str) -> None:
    made = run("key", "create", "--workspace", workspace, "--scopes", "customers:read, CUSTOMERS_WRITE")
    assert made.code == 0
    assert ids.workspace_of(made.out.strip(), "key") == workspace


def test_takes_a_slug_for_a_workspace(run: Run, workspace: str) -> None:
    made = run("key", "create", "--workspace", "acme", "--scopes", "admin")
    assert ids.workspace_of(made.out.strip(), "key") == workspace


def test_refuses_an_unknown_scope_and_lists_the_allowed(run: Run, workspace: str) -> None:
    refused = run("key", "create", "--workspace", workspace, "--scopes", "admin,everything")
    assert (refused.code, refused.out) == (2, "")
    assert "Unknown: everything. The scopes are: customers:read, customers:write, " in refused.err
    assert refused.err.count("\n") == 1


def test_refuses_an_unknown_workspace(run: Run, workspace: str) -> None:
    another = workspace[:-1] + ("y" if workspace.endswith("x") else "x")
    refused = run("key", "create", "--workspace", another, "--scopes", "admin")
    assert refused.code == 2
    assert "No workspace has the id or the slug" in refused.err


def test_adds_an_owner_with_a_password_from_the_input(
    run: Run, workspace: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    typed = tmp_path / "password"
    typed.write_text("rain on a tin roof\n")
    with typed.open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        made = run(
            *("user", "create", "--workspace", workspace, "--email", "o@example.com"),
            *("--name", "Olga", "--role", "owner", "--password"),
        )
    assert (made.code, made.err) == (0, "")
    assert ids.kind_of(made.out.strip()) == "user"
    with closing(sqlite3.connect(tmp_path / "data/rolodesk.db")) as connection:
        kept = connection.execute("SELECT u.role, p.password_hash FROM user u JOIN credential p ON holder_id = id")
        role, password_hash = kept.fetchone()
    assert role == "OWNER"
    assert password_hash.startswith("$argon2id$")


def test_refuses_a_weak_password_and_an_unknown_role(
    run: Run, workspace: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    new = ("user", "create", "--workspace", workspace, "--email", "o@example.com", "--name", "Olga", "--role")
    assert "The roles are: owner, admin, agent, viewer." in run(*new, "boss").err
    typed = tmp_path / "password"
    typed.write_text("short\n")
    with typed.open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        refused = run(*new, "agent", "--password")
    assert refused.code == 1
    assert "at least 15 are needed" in refused.err


def test_refuses_an_address_that_is_taken(run: Run, workspace: str) -> None:
    new = ("user", "create", "--workspace", workspace, "--email", "o@example.com", "--name", "Olga", "--role", "agent")
    assert run(*new).code == 0
    again = run(*new)
    assert again.code == 1
    assert again.err.startswith("rolodesk: o@example.com already belongs to")


@pytest.mark.parametrize(
    "arguments",
    [
        ("workspace", "create", "Acme"),
        ("key", "create", "--workspace", "acme", "--scopes", "admin"),
        ("serve",),
        ("work",),
        ("demo",),
    ],
)
def test_says_what_to_run_where_the_database_is_behind(run: Run, arguments: tuple[str, ...]) -> None:
    refused = run(*arguments)
    assert refused.code == 1
    assert re.fullmatch(r"rolodesk: The database \S+ has no tables yet\. Run: rolodesk migrate\n", refused.err)


ARGUMENTS = {
    "workspace": ("list",),
    "key": ("create", "--workspace", "a", "--scopes", "admin"),
    "user": ("create", "--workspace", "a", "--email", "e@example.com", "--name", "E", "--role", "admin"),
    "import": (__file__, "--workspace", "a", "--kind", "customers", "--yes"),
    "export": ("x.csv", "--workspace", "a", "--kind", "customers"),
    "undo": ("imp_00000000000000000000000000", "--workspace", "a"),
    "mail": ("test", "e@example.com"),
    "backup": ("copy.db",),
    "restore": ("copy.db",),
    "copy": ("--to", "sqlite:///copy.db"),
}


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in {"schema", "migration"}])
def test_refuses_a_wrong_setting(run: Run, name: str) -> None:
    refused = run(name, *ARGUMENTS.get(name, ()), ROLODESK_MODE="prod")
    assert refused.code == 2
    assert refused.err == "rolodesk: ROLODESK_MODE must be one of development, production; it is 'prod'.\n"


def test_refuses_wrong_usage_in_one_line(run: Run) -> None:
    for arguments in (("bogus",), ("serve", "--bogus"), ("workspace", "create"), ("serve", "--port", "0")):
        refused = run(*arguments)
        assert refused.code == 2, arguments
        assert refused.err.startswith("rolodesk: ")
        assert refused.err.count("\n") == 1


def test_says_that_a_file_is_no_database(run: Run, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/rolodesk.db").write_text("something else altogether, and long enough to be looked at" * 20)
    refused = run("migrate")
    assert refused.code == 1
    assert refused.err == "rolodesk: The database cannot be used: file is not a database.\n"


def test_shows_help_without_arguments(run: Run) -> None:
    shown = run("--help")
    assert shown.code == 0
    for name in ("serve", "migrate", "demo", "workspace", "key", "user", "schema", "doctor", "work"):
        assert name in shown.out


def test_prints_the_schema_and_checks_a_file(run: Run, tmp_path: Path) -> None:
    printed = run("schema")
    assert printed.code == 0
    file = tmp_path / "schema.graphql"
    file.write_text(printed.out)
    assert run("schema", "--check", str(file)).code == 0
    file.write_text(printed.out.replace("type Query", "type Queries", 1))
    differs = run("schema", "--check", str(file))
    assert differs.code == 1
    assert "+type Query {" in differs.out
    assert "Run: make schema" in differs.err


def test_loads_the_demo_once(run: Run) -> None:
    run("migrate")
    first = run("demo", "--if-empty")
    assert first.code == 0
    key = re.search(r"rd_key_\w+", first.out)
    assert key is not None
    assert run("demo").out == first.out
    assert "1 workspaces, 600 customers" in run("doctor").out


def test_loads_no_demo_beside_a_workspace_unless_asked(run: Run, workspace: str) -> None:
    assert run("demo", "--if-empty").out == "The database is in use already; no demo was loaded.\n"
    assert workspace in run("workspace", "list").out
    assert "rd_key_" in run("demo").out


def test_loads_no_demo_in_production(run: Run) -> None:
    refused = run("demo", ROLODESK_MODE="production", ROLODESK_SECRET="s" * 32)
    assert refused.code == 2
    assert "ROLODESK_MODE=development" in refused.err


def test_the_doctor_says_what_is_wrong(run: Run) -> None:
    found = run("doctor", ROLODESK_MAIL_URL="smtp://me:hidden@127.0.0.1:1")
    assert found.code == 1
    assert "wrong  database: The database" in found.out
    assert "Run: rolodesk migrate" in found.out
    assert "wrong  mail: 127.0.0.1:1 cannot be reached" in found.out
    assert "hidden" not in found.out


@pytest.mark.usefixtures("workspace")
def test_the_doctor_is_content(run: Run) -> None:
    found = run("doctor")
    assert (found.code, found.err) == (0, "")
    assert "   ok  SQLite: " in found.out or " note  SQLite: " in found.out
    assert "in step: 1 workspaces, 0 customers" in found.out


# The server as a process


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def asked(url: str, seconds: float = 20) -> tuple[int, str]:
    """What a URL answers, as soon as something listens there."""
    until = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z" if Path("/proc").exists() else False


def worker_of(pid: int) -> int:
    """The worker process beside a server."""
    found = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
    return next(int(line.split()[0]) for line in found.splitlines() if f" {pid} " in line and "work --beside" in line)


@pytest.fixture
def server(tmp_path: Path):
    """A server as `make run` starts it, on a port of its own."""
    port = free_port()
    clean = {k: v for k, v in os.environ.items() if not k.startswith("ROLODESK_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "server", "serve", "--migrate", "--demo"],
        env={**clean, "PORT": str(port), "ROLODESK_DATA_DIR": str(tmp_path / "data")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        asked(f"http://127.0.0.1:{port}/healthz")
        yield process, port
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_serves_tells_where_drains_and_ends_with_its_worker(server: "tuple[subprocess.Popen[str], int]") -> None:
    process, port = server
    assert asked(f"http://127.0.0.1:{port}/readyz") == (200, '{"status":"ready"}')
    worker = worker_of(process.pid)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.1)
    assert asked(f"http://127.0.0.1:{port}/readyz") == (503, '{"status":"draining"}')
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert gone(worker)
    assert f"Rolodesk serves http://127.0.0.1:{port}/graphql" in out
    assert f"GraphiQL:     http://127.0.0.1:{port}/" in out
    assert re.search(r"Demo API key: rd_key_\w+", out)


def test_starts_a_worker_again_that_died(server: "tuple[subprocess.Popen[str], int]") -> None:
    process, _ = server
    first = worker_of(process.pid)
    os.kill(first, signal.SIGKILL)
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            second = worker_of(process.pid)
        except StopIteration:
            second = first
        if second != first:
            break
        time.sleep(0.1)
    assert second != first


def test_a_worker_does_not_outlive_its_server(server: "tuple[subprocess.Popen[str], int]") -> None:
    process, _ = server
    worker = worker_of(process.pid)
    process.kill()
    until = time.monotonic() + 20
    while not gone(worker) and time.monotonic() < until:
        time.sleep(0.1)
    assert gone(worker)


@pytest.mark.usefixtures("workspace")
def test_says_that_a_port_is_taken(run: Run) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        refused = run("serve", "--port", port)
    assert refused.code == 1
    assert f"127.0.0.1:{port} cannot be listened on" in refused.err


# Importing


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text(
        "Who;Mail;Firm;Shoe size\nAnn Lee;ann@example.com;Acme;38\nBo Ek;bo@example.com;;44\nX;nonsense;;\n"
    )
    return path


def imported(run: Run, workspace: str, file: Path, *more: str) -> Ran:
    return run("import", str(file), "--workspace", workspace, "--kind", "customers", "--yes", *more)


def test_imports_a_file_as_it_was_mapped(run: Run, workspace: str, file: Path) -> None:
    done = imported(run, workspace, file, "--map", "Who=name")
    assert (done.code, done.err) == (0, "")
    assert re.search(r"imp_\w+ SUCCEEDED: 3 records: 2 created, 1 refused", done.out)
    assert "line 4: " in done.out
    assert "1 workspaces, 2 customers" in run("doctor").out
    again = imported(run, workspace, file, "--map", "Who=name")
    assert re.search(r"imp_\w+ SUCCEEDED: 3 records: 2 unchanged, 1 refused", again.out)


def test_exports_imports_again_and_undoes(run: Run, workspace: str, file: Path, tmp_path: Path) -> None:
    first = imported(run, workspace, file, "--map", "Who=name", "--map", "Firm=organization")
    target = tmp_path / "all.csv"
    done = run("export", str(target), "--workspace", workspace, "--kind", "customers")
    assert (done.code, done.err) == (0, "")
    assert "all.csv: 2 customers" in done.out
    header, *rows = target.read_text("utf-8-sig").splitlines()
    assert header.startswith("email,firstName,lastName,")
    assert rows[0].startswith("ann@example.com,Ann,Lee,,,,Acme,")
    again = run("import", str(target), "--workspace", workspace, "--kind", "customers", "--yes")
    assert re.search(r"SUCCEEDED: 2 records: 2 unchanged", again.out)
    by_id = run("import", str(target), "--workspace", workspace, "--kind", "customers", "--yes", "--match-by", "id")
    assert "2 unchanged" in by_id.out
    refused = run("import", str(target), "--workspace", workspace, "--kind", "tickets", "--yes", "--match-by", "email")
    assert refused.code == 1
    assert "Records of tickets are not found by EMAIL, but by EXTERNAL_ID or ID." in refused.err
    import_id = re.findall(r"imp_[0-9a-z]{26}", first.out)[0]
    looked = run("undo", import_id, "--workspace", workspace, "--dry-run")
    assert f"{import_id}: 3 would be undone, 0 in part, 0 kept" in looked.out
    undone = run("undo", import_id, "--workspace", workspace)
    assert (undone.code, undone.err) == (0, "")
    assert f"{import_id}: 3 undone, 0 in part, 0 kept" in undone.out
    left = run("export", str(target), "--workspace", workspace, "--kind", "customers")
    assert "all.csv: 0 customers" in left.out
    wrong = run("export", str(tmp_path / "all.pdf"), "--workspace", workspace, "--kind", "customers")
    assert (wrong.code, ".csv or .jsonl" in wrong.err) == (2, True)


def test_imports_by_all_that_the_api_takes(run: Run, workspace: str, file: Path, tmp_path: Path) -> None:
    first = imported(run, workspace, file, "--map", "Who=name", "--set", "title=Buyer", "--save-mapping", "Weekly")
    assert (first.code, first.err) == (0, "")
    assert re.search(r"title +a constant +Buyer", first.out)
    target = tmp_path / "all.jsonl"
    export = ("export", str(target), "--workspace", workspace, "--kind", "customers", "--filter")
    assert run(*export, '{"email": {"startsWith": "ann"}}').code == 0
    (one,) = [json.loads(line) for line in target.read_text().splitlines()]
    assert (one["email"], one["title"], one["lastName"]) == ("ann@example.com", "Buyer", "Lee")
    wrong = run(*export, '{"shoe": 1}')
    assert wrong.code == 1
    assert (
        "filter is no CustomerFilter, written as JSON: Expected value of type 'CustomerFilter' not to include"
        in wrong.err
    )
    assert run(*export[:-1], "--order-by", '[{"field": "EMAIL", "direction": "DESC"}]').code == 0
    emails = [json.loads(line)["email"] for line in target.read_text().splitlines()]
    assert emails == sorted(emails, reverse=True)
    assert len(emails) == 2
    hinted = imported(run, workspace, file, "--map", "Who=name")
    assert "A saved mapping is for such files: --mapping 'Weekly'" in hinted.out
    by_name = imported(run, workspace, file, "--mapping", "weekly")
    assert "It is read so by the" in by_name.out
    assert re.search(r"title +a constant +Buyer", by_name.out)
    assert "2 unchanged" in by_name.out
    piped = tmp_path / "piped.csv"
    piped.write_text("Members\nann@example.com|Boss|03/04/2026\nbob@example.com|Chief|\nnobody|x|\n")
    read_so = ("--delimiter", "|", "--no-header", "--first-line", "2", "--quote", "", "--map", "Column 1=email")
    done = imported(
        run, workspace, piped, *read_so, "--map", "Column 2=title", "--field-policy", "title=fill-empty",
        "--known-organizations", "--date-order", "day-first", "--invite", "--most-refused", "5",
    )  # fmt: skip
    assert re.search(r"SUCCEEDED: 3 records: 1 created, 1 unchanged, 1 refused", done.out), done.out
    stopped = imported(run, workspace, piped, *read_so, "--most-refused", "0")
    assert (stopped.code, "FAILED" in stopped.out) == (1, True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--mapping", "Nothing"), "No saved mapping for customers is called 'Nothing'."),
        (("--set", "title"), "'title' is not property=constant."),
        (("--set", "shoe=9"), "'shoe' is no property; they are: email,"),
        (("--field-policy", "title=perhaps"), "'perhaps' is no policy; they are: update, fill-empty, skip, fail."),
        (("--field-policy", "email=skip"), "'email' cannot have a policy of its own."),
        (("--share", "Nowhere"), "No project has the name or the external id 'Nowhere'."),
        (("--most-refused", "-1"), "greater than or equal to 0"),
    ],
)
def test_refuses_choices_that_do_not_fit(
    run: Run, workspace: str, file: Path, options: tuple[str, ...], said: str
) -> None:
    refused = imported(run, workspace, file, *options)
    assert refused.code in {1, 2}
    assert said in refused.err
    assert "0 customers" in run("doctor").out


def test_shows_the_mapping_with_reasons(run: Run, workspace: str, file: Path) -> None:
    done = imported(run, workspace, file, "--map", "Firm=", "--dry-run")
    assert "people.csv: utf-8, separated by ';'" in done.out
    assert re.search(r"Mail +email ", done.out)
    assert re.search(r"Firm +ignored +as given +Acme", done.out)
    assert re.search(r"Shoe size +ignored ", done.out)


def test_a_dry_run_keeps_nothing(run: Run, workspace: str, file: Path) -> None:
    tried = imported(run, workspace, file, "--dry-run")
    assert tried.code == 0
    assert "2 created, 1 refused (a dry run: nothing was kept)" in re.sub(r", \d with warnings", "", tried.out)
    assert "1 workspaces, 0 customers" in run("doctor").out


def test_refused_rows_are_written_corrected_and_imported(run: Run, workspace: str, tmp_path: Path) -> None:
    file, refused = tmp_path / "people.csv", tmp_path / "refused.csv"
    file.write_text("Email,Name\nann@example.com,Ann\n" + "".join(f"nobody{i},=N{i}\n" for i in range(25)))
    done = imported(run, workspace, file)
    assert (done.code, "  and 5 more; --refused FILE writes all of them" in done.out) == (0, True)
    done = imported(run, workspace, file, "--refused", str(refused))
    assert "refused.csv: 25 rows to correct" in done.out
    header, first, *rows = refused.read_text("utf-8-sig").splitlines()
    assert (header, len(rows)) == ("Email,Name,Rolodesk line,Rolodesk codes,Rolodesk reasons", 24)
    assert first.startswith("nobody0,'=N0,3,INVALID_EMAIL,")
    refused.write_text(refused.read_text("utf-8-sig").replace("nobody", "somebody@x"))
    refused.write_text(
        refused.read_text().replace("@x", "@x.example,", 1).replace("somebody@x.example,0", "s@x.example")
    )
    again = imported(run, workspace, refused)
    assert re.search(r"SUCCEEDED: 25 records: 1 created, 24 refused", again.out)
    assert "line 4: 'somebody@x1' is not an e-mail address" in again.out
    target = tmp_path / "all.jsonl"
    assert run("export", str(target), "--workspace", workspace, "--kind", "customers").code == 0
    assert [json.loads(line)["firstName"] for line in target.read_text().splitlines()] == ["Ann", "=N0"]


def test_asks_before_it_imports(run: Run, workspace: str, file: Path) -> None:
    refused = run("import", str(file), "--workspace", workspace, "--kind", "customers")
    assert refused.code == 2
    assert refused.err == "rolodesk: Invalid value: There is nobody to ask here; say --yes.\n"


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ("Mail", "'Mail' is not Column=property."),
        ("Post=email", "The file has no column 'Post'; it has: Who, Mail, Firm, Shoe size."),
        ("Mail=address", "'address' is no property; they are: email, otherEmails, firstName, "),
        ("Mail=", "No column is email; say which one with --map. Columns: Who, Mail, Firm, Shoe size."),
    ],
)
def test_refuses_a_mapping_that_does_not_fit(run: Run, workspace: str, file: Path, mapping: str, said: str) -> None:
    refused = imported(run, workspace, file, "--map", mapping)
    assert refused.code in {1, 2}
    assert said in refused.err


def test_refuses_a_file_that_is_no_table(run: Run, workspace: str, tmp_path: Path) -> None:
    (tmp_path / "picture.csv").write_bytes(b"\x89PNG\r\n")
    refused = imported(run, workspace, tmp_path / "picture.csv")
    assert refused.code == 1
    assert "PNG" in refused.err
    assert not (tmp_path / "data/uploads").exists()


# Mail


def test_prints_a_test_mail_where_no_server_is_configured(run: Run) -> None:
    sent = run("mail", "test", "ann@example.com")
    assert sent.code == 0
    assert "To: ann@example.com" in sent.out


def test_says_that_the_mail_server_cannot_be_reached(run: Run) -> None:
    refused = run("mail", "test", "ann@example.com", ROLODESK_MAIL_URL="smtp://127.0.0.1:1")
    assert refused.code == 1
    assert refused.err.startswith("rolodesk: The mail was not taken: No connection: ")
