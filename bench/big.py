"""One owner with 1,000,000 todos in 500 lists: `python -m bench.big [DATA_DIR]`, /tmp/big by default.

Makes the data folder of an embedded PostgreSQL, which `DATA_DIR=/tmp/big todo-gql serve` then serves; only
one process can use a folder, so copy it (`cp -a /tmp/big /tmp/mine`) for a second one. With the folder
it prints the owner's id and an access token for servers whose SECRET_KEY is that of `bench.data`.

Lists have 400 to 12,000 todos, of which at most 5,000 are open; every other list has four sections, every
seventh todo is a subtask. Titles are Latin (70 %), Cyrillic (15 %), Korean and Chinese (7.5 % each). Of
each script one word is rare and is in 20 titles: `quokka`, `ехидна`, `오소리` and `穿山甲`.
"""

import asyncio
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import orjson
from uuid_utils.compat import uuid7

from bench.data import owner_id, settings
from todo_gql.api.search_text import search_text
from todo_gql.changelog.sizes import CHANGE_BYTES
from todo_gql.database import migrations
from todo_gql.database.models import Status
from todo_gql.database.tortoise_backend import connect, disconnect
from todo_gql.embedded_postgres.cluster import EmbeddedPostgres
from todo_gql.features.todos.storage import TODO_BYTES
from todo_gql.security.tokens import Claims, signed_access_token

OWNER = owner_id(1_000_000)
LISTS, TODOS, TAGS = 500, 1_000_000, 60
SECTIONS = 4
MAX_OPEN = 5_000
RARE_TITLES = 20
BATCH = 20_000
NOW = datetime.now(UTC).replace(microsecond=0)
TODAY = NOW.date()
SCRIPTS = ("latin", "cyrillic", "korean", "chinese")
SHARES = (70, 15, 7.5, 7.5)
RARE = {"latin": "quokka", "cyrillic": "ехидна", "korean": "오소리", "chinese": "穿山甲"}
WORDS = {
    "latin": (
        "Buy Call Write Repair Read Book Paint Review Send Order Clean Plan Check Print Sort Ask",
        "the a more two new old spare blue small",
        "milk report invoice garden kitchen bicycle ticket letter offer contract slide lamp photo shelf",
        "for with before after about near without",
        "Anna Tom Julia Peter Monday Friday summer winter work home school office Berlin Paris",
    ),
    "cyrillic": (
        "Купить Позвонить Написать Починить Прочитать Заказать Проверить Отправить Убрать",
        "новый старый большой второй синий",
        "отчёт договор билет велосипед паспорт письмо лампу фото молоко книгу сервер окно",
        "для после перед без около",
        "Анны Петра понедельника пятницы работы дома школы лета Москвы",
    ),
    "korean": (
        "새로운 오래된 작은 두번째 파란",
        "우유 보고서 계약서 자전거 여권 편지 사진 책상 회의 예산 서버 창문 요리법",
        "월요일 금요일 여름 겨울 회사 학교 서울 부산",
        "구매 전화 작성 수리 읽기 예약 확인 전송 정리",
    ),
    "chinese": (
        "购买 打电话 修理 阅读 预订 检查 发送 整理 准备",
        "新的 旧的 小的 第二个 蓝色",
        "牛奶 报告 合同 自行车 护照 信件 照片 会议 预算 服务器 窗户 菜谱",
        "周一 周五 夏天 冬天 公司 学校 北京 上海",
    ),
}
PHRASES = {script: [part.split() for part in parts] for script, parts in WORDS.items()}
DESCRIPTIONS = {
    "latin": "Ask for the details first, and write down what was agreed.",
    "cyrillic": "Сначала узнать подробности и записать договорённости.",
    "korean": "먼저 자세한 내용을 물어보고 합의한 것을 적어 둔다.",
    "chinese": "先问清楚细节再把商定的事情写下来。",
}

TODO_COLUMNS = (
    "id",
    "owner_id",
    "title",
    "description",
    "status",
    "priority",
    "due_at",
    "due_date",
    "due_on",
    "completed_at",
    "metadata",
    "version",
    "created_at",
    "updated_at",
    "list_id",
    "section_id",
    "parent_id",
    "position",
    "search_text",
)
CHANGE_COLUMNS = (
    *("id", "owner_id", "seq", "todo_id", "actor_id", "action", "diff", "at", "list_id"),
    "first_seq",
)
LIST_COLUMNS = ("id", "owner_id", "name", "position", "version", "created_at", "updated_at")
SECTION_COLUMNS = (*LIST_COLUMNS, "list_id")
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

SECONDARY_INDEXES = """
SELECT indexdef, format('DROP INDEX %I', indexname) AS drop FROM pg_indexes i
WHERE schemaname = 'public' AND tablename = ANY('{todos,changes,todo_tags}')
    AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conname = i.indexname)
"""
# What the write path would have counted.
COUNT = [
    """
    UPDATE todos p SET subtask_count = c.number, completed_subtask_count = c.completed FROM (
        SELECT parent_id, count(*) FILTER (WHERE status <> 3) AS number,
            count(*) FILTER (WHERE status = 2) AS completed
        FROM todos WHERE owner_id = $1 AND parent_id IS NOT NULL GROUP BY parent_id
    ) c WHERE p.owner_id = $1 AND p.id = c.parent_id
    """,
    """
    UPDATE tags g SET todo_count = c.number FROM (
        SELECT tag_id, count(*) AS number FROM todo_tags WHERE owner_id = $1 GROUP BY tag_id
    ) c WHERE g.owner_id = $1 AND g.id = c.tag_id
    """,
    """
    INSERT INTO list_tags (owner_id, list_id, tag_id, todo_count)
    SELECT t.owner_id, t.list_id, tt.tag_id, count(*) FROM todos t JOIN todo_tags tt
        ON tt.owner_id = t.owner_id AND tt.todo_id = t.id
    WHERE t.owner_id = $1 GROUP BY t.owner_id, t.list_id, tt.tag_id
    """,
    """
    INSERT INTO due_counts (owner_id, day, is_timed, open_count, closed_count)
    SELECT owner_id, coalesce(due_date, (due_at AT TIME ZONE 'UTC')::date), due_at IS NOT NULL,
        count(*) FILTER (WHERE status < 2), count(*) FILTER (WHERE status >= 2)
    FROM todos WHERE owner_id = $1 AND due_on IS NOT NULL GROUP BY 1, 2, 3
    """,
    """
    UPDATE lists l SET pending_count = c.pending, in_progress_count = c.in_progress,
        completed_count = c.completed, cancelled_count = c.cancelled
    FROM (
        SELECT list_id, count(*) FILTER (WHERE status = 0) AS pending,
            count(*) FILTER (WHERE status = 1) AS in_progress,
            count(*) FILTER (WHERE status = 2) AS completed,
            count(*) FILTER (WHERE status = 3) AS cancelled
        FROM todos WHERE owner_id = $1 GROUP BY list_id
    ) c WHERE l.owner_id = $1 AND l.id = c.list_id
    """,
    f"""
    WITH counted AS (
        SELECT count(*) FILTER (WHERE status = 0) AS pending,
            count(*) FILTER (WHERE status = 1) AS in_progress,
            count(*) FILTER (WHERE status = 2) AS completed,
            count(*) FILTER (WHERE status = 3) AS cancelled,
            count(*) FILTER (WHERE priority = 0) AS low,
            count(*) FILTER (WHERE priority = 1) AS medium,
            count(*) FILTER (WHERE priority = 2) AS high,
            count(*) FILTER (WHERE priority = 3) AS urgent,
            sum({TODO_BYTES})::bigint
                + (SELECT sum({CHANGE_BYTES}) FROM changes WHERE owner_id = $1)::bigint AS bytes,
            (SELECT max(seq) FROM changes WHERE owner_id = $1) AS seq
        FROM todos WHERE owner_id = $1
    ), fed AS (
        UPDATE feeds SET seq = c.seq, counted_seq = c.seq, pending_count = c.pending,
            in_progress_count = c.in_progress, completed_count = c.completed,
            cancelled_count = c.cancelled, low_count = c.low, medium_count = c.medium,
            high_count = c.high, urgent_count = c.urgent, stored_bytes = c.bytes
        FROM counted c WHERE owner_id = $1
    )
    UPDATE users SET change_seq = c.seq, counted_seq = c.seq, mirrored_seq = c.seq,
        pending_count = c.pending, in_progress_count = c.in_progress,
        completed_count = c.completed, cancelled_count = c.cancelled, stored_bytes = c.bytes
    FROM counted c WHERE id = $1
    """,
]


class BigList(NamedTuple):
    """A list to be filled: its id and its sections."""

    id: UUID
    sections: list[UUID]


def position_key(number: int) -> str:
    """The same as the SQL function of this name."""
    digits = ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = DIGITS[digit] + digits
    return f"f{digits}"


class Generator:
    """Makes the owner's todos, always the same but for ids and days."""

    def __init__(self, lists: list[BigList], tag_ids: list[UUID]) -> None:
        self.random = Random(16)  # noqa: S311 - not for secrets
        self.lists = lists
        self.tag_ids = tag_ids
        self.open_counts = [0] * len(lists)
        self.parents: list[UUID | None] = [None] * len(lists)
        # A few lists are long, most are short.
        self.weights = [1 + 29 * self.random.random() ** 3 for _ in lists]
        step = TODOS // (RARE_TITLES + 1)
        self.rare = {
            number * step + offset: script
            for number in range(1, RARE_TITLES + 1)
            for offset, script in enumerate(SCRIPTS)
        }
        self.tag_weights = [1 / (place + 2) for place in range(len(tag_ids))]

    def batches(self) -> Iterator[tuple[list[Any], list[Any], list[Any]]]:
        """The rows of todos, changes and todo_tags, in the order of the log."""
        for start in range(1, TODOS + 1, BATCH):
            numbers = range(start, min(start + BATCH, TODOS + 1))
            places = self.random.choices(range(len(self.lists)), self.weights, k=len(numbers))
            todos = [self.todo(*pair) for pair in zip(numbers, places, strict=True)]
            yield todos, list(map(self.change, numbers, todos)), self.taggings(todos)

    def todo(self, number: int, place: int) -> list[Any]:
        """The row of one todo of the list at that place."""
        random, todo_id, list_ = self.random, uuid7(), self.lists[place]
        script = self.rare.get(number) or random.choices(SCRIPTS, SHARES)[0]
        words = [random.choice(part) for part in PHRASES[script]]
        if number in self.rare:
            words.insert(2, RARE[script])
        title = ("" if script == "chinese" else " ").join(words)
        if number % 3 == 0:
            title += f" {number}"
        created = NOW - timedelta(seconds=(TODOS - number) * 90)
        status = random.choices(tuple(Status), (28, 4, 62, 6))[0].value
        if status < Status.COMPLETED:
            if self.open_counts[place] >= MAX_OPEN:
                status = Status.COMPLETED.value
            else:
                self.open_counts[place] += 1
        day = self.due_day(status, created.date())
        due_at = None
        if day and number % 2:
            due_at = datetime(day.year, day.month, day.day, number % 24, number % 60, tzinfo=UTC)
        is_subtask = number % 7 == 0 and self.parents[place] is not None
        parent = self.parents[place] if is_subtask else None
        if not is_subtask:
            self.parents[place] = todo_id
        completed = created + timedelta(days=number % 9, minutes=5)
        is_completed = status == Status.COMPLETED
        section = list_.sections[number % 5] if list_.sections and number % 5 < SECTIONS else None
        description = DESCRIPTIONS[script] if number % 4 == 0 else None
        return [
            *(todo_id, OWNER, title, description),
            *(status, random.choices(range(4), (15, 55, 20, 10))[0]),
            *(due_at, None if due_at else day, day),
            *(min(completed, NOW) if is_completed else None, "{}", 1, created, created),
            *(list_.id, None if is_subtask else section, parent, position_key(number)),
            search_text(title, description),
        ]

    def due_day(self, status: int, created: date) -> date | None:
        """When it is due: a third has no day, and few open ones are overdue."""
        random = self.random
        if random.random() < 1 / 3:
            return None
        if status >= Status.COMPLETED:
            return created + timedelta(days=random.randrange(30))
        return TODAY + timedelta(days=random.randrange(-20, 180))

    def change(self, number: int, todo: list[Any]) -> list[Any]:
        """The line of the log that says that a todo was created."""
        values = dict(zip(TODO_COLUMNS, todo, strict=True))
        diff = orjson.dumps([{"name": "title", "before": None, "after": values["title"]}]).decode()
        created = values["created_at"]
        place = (OWNER, number, values["id"], OWNER, 0, diff, created, values["list_id"], number)
        return [uuid7(), *place]

    def taggings(self, todos: list[list[Any]]) -> list[Any]:
        """The rows that say which todos carry which tags: none to three each."""
        rows = []
        for todo in todos:
            number = self.random.choices((0, 1, 2, 3), (30, 40, 20, 10))[0]
            chosen = set(self.random.choices(self.tag_ids, self.tag_weights, k=number))
            rows += [(OWNER, todo[0], tag_id) for tag_id in chosen]
        return rows


async def fill(url: str) -> None:
    """Migrate an empty database, and make the owner and everything of theirs."""
    await connect(url, settings())
    await migrations.migrate()
    await disconnect()
    connection = await asyncpg.connect(url)
    try:
        await _fill(connection)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


async def _fill(connection: asyncpg.Connection) -> None:
    await _insert_owner(connection)
    generator = Generator(await _insert_lists(connection), await _insert_tags(connection))
    indexes = await connection.fetch(SECONDARY_INDEXES)
    for index in indexes:
        await connection.execute(index["drop"])
    # Neither triggers nor foreign keys, which would be most of the time.
    await connection.execute("SET session_replication_role = replica; SET jit = off")
    copy = connection.copy_records_to_table
    for number, (todos, changes, taggings) in enumerate(generator.batches(), 1):
        await copy("todos", records=todos, columns=TODO_COLUMNS)
        await copy("changes", records=changes, columns=CHANGE_COLUMNS)
        await copy("todo_tags", records=taggings, columns=("owner_id", "todo_id", "tag_id"))
        print(f"{number * BATCH:,} todos", flush=True)
    await connection.execute("SET maintenance_work_mem = '1GB'; SET work_mem = '256MB'")
    for statement in COUNT:
        await connection.execute(statement, OWNER)
        print(statement.split(maxsplit=3)[:3], flush=True)
    for index in indexes:
        await connection.execute(index["indexdef"])
        print(index["indexdef"], flush=True)


async def _insert_owner(connection: asyncpg.Connection) -> None:
    await connection.execute(
        """
        INSERT INTO users (id, username, username_key, email, email_key, password_hash, created_at,
            is_active, is_superuser, change_seq, pending_count, in_progress_count, completed_count,
            cancelled_count)
        VALUES ($1, 'big', 'big', 'big@example.com', 'big@example.com', 'no password', now(), true,
            false, 0, 0, 0, 0, 0)
        """,
        OWNER,
    )
    await connection.execute(
        """
        INSERT INTO sessions (id, owner_id, refresh_hash, spent_hashes, created_at, last_used_at,
            expires_at)
        VALUES ($1, $1, sha256('big'), '{}', now(), now(), now() + interval '365 days')
        """,
        OWNER,
    )


async def _insert_lists(connection: asyncpg.Connection) -> list[BigList]:
    lists = [
        BigList(uuid7(), [uuid7() for _ in range(SECTIONS if number % 2 else 0)])
        for number in range(LISTS)
    ]
    await connection.copy_records_to_table(
        "lists",
        records=[
            (one.id, OWNER, f"List {number}", position_key(number), 1, NOW, NOW)
            for number, one in enumerate(lists, 1)
        ],
        columns=LIST_COLUMNS,
    )
    await connection.copy_records_to_table(
        "sections",
        records=[
            (id, OWNER, f"Section {number}", position_key(number), 1, NOW, NOW, one.id)
            for one in lists
            for number, id in enumerate(one.sections, 1)
        ],
        columns=SECTION_COLUMNS,
    )
    return lists


async def _insert_tags(connection: asyncpg.Connection) -> list[UUID]:
    tags = [(uuid7(), OWNER, f"tag {number}", 0) for number in range(TAGS)]
    await connection.copy_records_to_table(
        "tags", records=tags, columns=("id", "owner_id", "name", "todo_count")
    )
    return [row[0] for row in tags]


def main() -> None:
    """Make the folder, unless it has a database already."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "/tmp/big")  # noqa: S108 - shared on purpose
    cluster = EmbeddedPostgres(folder)
    is_new = cluster.is_new
    with cluster as url:
        if is_new:
            asyncio.run(fill(url))
    print(f"owner {OWNER}")
    print(signed_access_token(Claims(OWNER, OWNER), settings(access_token_expire_minutes=10_000)))


if __name__ == "__main__":
    main()
