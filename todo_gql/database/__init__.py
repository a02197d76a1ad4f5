"""PostgreSQL: the models, connections and their pool, migrations, and retries."""
