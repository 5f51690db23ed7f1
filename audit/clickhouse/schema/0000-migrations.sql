CREATE DATABASE IF NOT EXISTS holdpoint {{on cluster}};

-- On a cluster every server has the whole of it.
CREATE TABLE IF NOT EXISTS holdpoint.schema_migrations {{on cluster}}
(
    name String,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = {{everywhere}}
ORDER BY name;
