"""What users of a TODO app do all day, as load."""

from random import choice, randint
from typing import Any
from uuid import uuid4

from locust import FastHttpUser, between, task

PASSWORD = "Correct1horse"
TAGS = ("home", "garden", "work", "errand", "music", "school", "travel", "health")
WORDS = ("water", "plants", "call", "letter", "clean", "kitchen", "book", "train", "bread")

REGISTER = """
mutation Register($input: RegisterInput!) {
  register(input: $input) { user { id } errors { code message } }
}
"""
LOGIN = """
mutation Login($input: LoginInput!) {
  login(input: $input) { tokens { accessToken } errors { code message } }
}
"""
LIST = """
query List($first: Int!) {
  todos(first: $first, sort: [{ field: CREATED_AT, direction: DESC }]) {
    nodes { id title description status priority dueAt isOverdue version tags { name } }
    pageInfo { hasNextPage endCursor }
    totalCount
  }
}
"""
CREATE = """
mutation Create($input: TodoCreateInput!) {
  todoCreate(input: $input) { todo { id title tags { name } } errors { code message } }
}
"""
STATS = "query Stats { stats { total pending inProgress completed cancelled overdue } }"
SEARCH = """
query Search($text: String!) {
  todos(first: 20, filter: { search: $text }) { nodes { id title status } totalCount }
}
"""
UPDATE = """
mutation Update($id: ID!, $input: TodoUpdateInput!) {
  todoUpdate(id: $id, input: $input) { todo { id title version } errors { code message } }
}
"""
DELETE = """
mutation Delete($id: ID!) {
  todoDelete(id: $id) { errors { code message } }
}
"""


class TodoUser(FastHttpUser):
    """Somebody with an account of their own, who mostly looks at lists."""

    wait_time = between(0.2, 0.8)

    def on_start(self) -> None:
        """Register and sign in."""
        name = f"load-{uuid4().hex[:16]}"
        self.token = ""
        self.todos: list[str] = []
        given = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        self.execute("register", REGISTER, input=given)
        credentials = {"usernameOrEmail": name, "password": PASSWORD}
        payload = self.execute("login", LOGIN, input=credentials)
        if payload:
            self.token = payload["tokens"]["accessToken"]

    def execute(self, name: str, query: str, **variables: Any) -> dict[str, Any] | None:
        """The payload of an operation's one field; None, and a failure, when it has errors."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        body = {"query": query, "variables": variables}
        with self.client.post(
            "/graphql", json=body, headers=headers, name=name, catch_response=True
        ) as answer:
            told = answer.json() if answer.status_code == 200 and answer.text else {}
            if "errors" in told or not told.get("data"):
                answer.failure(f"{answer.status_code} {answer.text}")
                return None
            [payload] = told["data"].values()
            if payload.get("errors"):
                answer.failure(str(payload["errors"]))
                return None
            return dict(payload)

    @task(3)
    def list_todos(self) -> None:
        """Look at the first page."""
        self.execute("list", LIST, first=20)

    @task(2)
    def create_todo(self) -> None:
        """Add a todo with two tags."""
        title = " ".join(choice(WORDS) for _ in range(4))
        given = {"title": title, "tags": [TAGS[randint(0, 3)], TAGS[randint(4, 7)]]}
        if payload := self.execute("create", CREATE, input=given):
            self.todos.append(payload["todo"]["id"])

    @task(1)
    def read_stats(self) -> None:
        """Look at the counts."""
        self.execute("stats", STATS)

    @task(1)
    def search(self) -> None:
        """Look for a word."""
        self.execute("search", SEARCH, text=choice(WORDS))

    @task(1)
    def update_todo(self) -> None:
        """Give a todo another title."""
        if self.todos:
            given = {"title": f"{choice(WORDS)} again"}
            self.execute("update", UPDATE, id=choice(self.todos), input=given)

    @task(1)
    def delete_todo(self) -> None:
        """Put the oldest todo into the trash."""
        if self.todos:
            self.execute("delete", DELETE, id=self.todos.pop(0))
