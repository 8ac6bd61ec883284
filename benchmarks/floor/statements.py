"""One statement for each query, written by hand; each answers the whole JSON. ?1 is the workspace."""

PERSON = "'id', {0}.id, 'email', {0}.email, 'firstName', {0}.first_name, 'lastName', {0}.last_name, 'title', {0}.title"
COLUMNS = "c.id, c.email, c.first_name, c.last_name, c.title"

PROJECTS = """
SELECT json_group_array(json_object('id', p.id, 'name', p.name)) FROM (
  WITH RECURSIVE up (id) AS (
    SELECT {0}.organization_id
    UNION ALL
    SELECT o.parent_id FROM up CROSS JOIN organization o WHERE o.workspace_id = ?1 AND o.id = up.id)
  SELECT p.id, p.name FROM (
    SELECT project_id FROM project_customer WHERE workspace_id = ?1 AND customer_id = {0}.id
    UNION
    SELECT s.project_id FROM up CROSS JOIN project_organization s
    WHERE s.workspace_id = ?1 AND s.organization_id = up.id) i
  CROSS JOIN project p
  WHERE p.workspace_id = ?1 AND p.id = i.project_id AND p.archived_at IS NULL
  ORDER BY p.name_key, p.id LIMIT 20) p
"""

WHOLE = f"""json_object({PERSON},
  'organization', (SELECT json_object('id', o.id, 'name', o.name) FROM organization o
    WHERE o.workspace_id = ?1 AND o.id = {{0}}.organization_id),
  'projects', json_object('nodes', ({PROJECTS})))"""

ONE = f"""SELECT json_object('data', json_object('customer',
  (SELECT {WHOLE.format("c")} FROM customer c WHERE c.workspace_id = ?1 AND c.id = ?2)))"""

FIFTY = f"""SELECT json_object('data', json_object('customers', json_object('nodes',
  json_group_array({WHOLE.format("c")}))))
FROM (SELECT {COLUMNS}, c.organization_id FROM customer c
  WHERE c.workspace_id = ?1 AND c.archived_at IS NULL AND (c.name_key, c.id) > (?2, ?3)
  ORDER BY c.name_key, c.id LIMIT 50) c"""


def customers_of(organization: str, count: int) -> str:
    return f"""json_object('nodes', (SELECT json_group_array(json_object({PERSON.format("c")})) FROM (
  SELECT {COLUMNS} FROM customer c
  WHERE c.workspace_id = ?1 AND c.organization_id = {organization}.id AND c.archived_at IS NULL
  ORDER BY c.name_key, c.id LIMIT {count}) c))"""


def children_of(organization: str, child: str, more: str = "") -> str:
    return f"""json_object('nodes', (
  SELECT json_group_array(json_object('id', {child}.id, 'name', {child}.name,
    'customers', {customers_of(child, 5)}{more}))
  FROM (SELECT o.id, o.name FROM organization o
    WHERE o.workspace_id = ?1 AND o.parent_id = {organization}.id AND o.archived_at IS NULL
    ORDER BY o.name_key, o.id LIMIT 10) {child}))"""


LEVELS = f"""SELECT json_object('data', json_object('organizations', json_object('nodes',
  json_group_array(json_object('id', a.id, 'name', a.name, 'customers', {customers_of("a", 5)},
    'children', {children_of("a", "b", ", 'children', " + children_of("b", "d"))})))))
FROM (SELECT o.id, o.name FROM organization o
  WHERE o.workspace_id = ?1 AND o.parent_id IS NULL AND o.archived_at IS NULL AND (o.name_key, o.id) > (?2, ?3)
  ORDER BY o.name_key, o.id LIMIT 10) a"""

HUNDRED = f"""SELECT json_object('data', json_object('organizations', json_object('nodes',
  json_group_array(json_object('id', a.id, 'name', a.name, 'customers', {customers_of("a", 20)})))))
FROM (SELECT o.id, o.name FROM organization o
  WHERE o.workspace_id = ?1 AND o.archived_at IS NULL AND (o.name_key, o.id) > (?2, ?3)
  ORDER BY o.name_key, o.id LIMIT 100) a"""

PROJECT = f"""SELECT json_object('data', json_object('project', json_object('id', p.id, 'name', p.name,
  'customers', json_object('nodes', (SELECT json_group_array(json_object({PERSON.format("c")})) FROM (
    WITH RECURSIVE down (id) AS (
      SELECT organization_id FROM project_organization WHERE workspace_id = ?1 AND project_id = ?4
      UNION
      SELECT o.id FROM down CROSS JOIN organization o
      WHERE o.workspace_id = ?1 AND o.parent_id = down.id AND o.archived_at IS NULL),
    members (name_key, id) AS (SELECT * FROM (
      SELECT c.name_key, c.id FROM project_customer s CROSS JOIN customer c
      WHERE s.workspace_id = ?1 AND s.project_id = ?4 AND c.workspace_id = ?1 AND c.id = s.customer_id
        AND c.archived_at IS NULL AND (c.name_key, c.id) > (?2, ?3)
      UNION ALL
      SELECT m.name_key, m.id FROM down CROSS JOIN customer m
      WHERE m.workspace_id = ?1 AND m.organization_id = down.id
        AND m.archived_at IS NULL AND (m.name_key, m.id) > (?2, ?3)
        AND NOT EXISTS (SELECT 1 FROM project_customer d
          WHERE d.workspace_id = ?1 AND d.project_id = ?4 AND d.customer_id = m.id))
      ORDER BY 1, 2 LIMIT 50)
    SELECT {COLUMNS} FROM members CROSS JOIN customer c WHERE c.workspace_id = ?1 AND c.id = members.id
    ORDER BY members.name_key, members.id) c)))))
FROM project p WHERE p.workspace_id = ?1 AND p.id = ?4"""
"""Costs what the project's members cost, never what the table does. (Walking all customers by name and looking whether
each is a member is faster for a project that many see, and slower without a bound for one that few see.)"""

CREATE = """INSERT INTO customer (workspace_id, id, email, email_key, first_name, first_name_key, last_name,
  last_name_key, name_key, title, organization_id, version, created_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?)"""

MOVE = """UPDATE customer SET organization_id = ?, version = version + 1, updated_at = ?
WHERE workspace_id = ? AND id = ?"""
