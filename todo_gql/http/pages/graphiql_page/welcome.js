// The tabs that GraphiQL shows at the first visit.

const REGISTER = `# Welcome to todo_gql! Three tabs lead to your
# first todo.
#
# 1. Run this one: the ▶ button or Ctrl-Enter.
#    Change name and password if you like.
# 2. The bar on top then offers to "Use the token
#    of this answer": take it.
# 3. Go on with the tabs AddTodo and MyTodos.
#
# Do you have an account? Then log in instead:
#   mutation Login {
#     login(input: {
#       usernameOrEmail: "ada"
#       password: "…"
#     }) { tokens { accessToken } }
#   }
#
# Ctrl-Space completes what you type; the book on
# the left opens the documentation.

mutation Register {
  register(
    input: {
      username: "ada"
      email: "ada@example.com"
      password: "Ships-sail-7-seas"
    }
  ) {
    user {
      id
      username
    }
    tokens {
      accessToken
      refreshToken
      expiresIn
    }
    errors {
      code
      message
      path
    }
  }
}
`;

const ADD_TODO = `# Needs the access token in the bar on top.

mutation AddTodo {
  todoCreate(
    input: {
      title: "Read the schema"
      priority: HIGH
      tags: ["first steps"]
    }
  ) {
    todo {
      id
      title
      status
      priority
      tags {
        name
      }
      version
    }
    errors {
      code
      message
      path
    }
  }
}
`;

const MY_TODOS = `# The newest first. The documentation tells how to
# filter, sort and page.

query MyTodos {
  todos(first: 20) {
    totalCount
    nodes {
      id
      title
      status
      priority
      dueAt
      tags {
        name
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
  stats {
    total
    completed
    overdue
  }
}
`;

export const WELCOME_TABS = [REGISTER, ADD_TODO, MY_TODOS].map((query) => ({ query }));
