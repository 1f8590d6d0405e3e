-- Something to look at, for whoever signs in first: run it with the service key.

insert into teams (id, name, created_by)
select '6f1c1a0e-6d5c-4d6f-9b8e-0d3a7f5f2a11', 'Lighthouse', u.id from auth.users u order by u.created_at limit 1;

insert into team_members (team_id, user_id, role)
select '6f1c1a0e-6d5c-4d6f-9b8e-0d3a7f5f2a11', u.id, 'owner' from auth.users u order by u.created_at limit 1;

insert into projects (team_id, slug, title, budget, settings) values
    ('6f1c1a0e-6d5c-4d6f-9b8e-0d3a7f5f2a11', 'lamp', 'Repair the lamp', 1250.50, '{"color": "amber", "limits": {"watts": 400}}'),
    ('6f1c1a0e-6d5c-4d6f-9b8e-0d3a7f5f2a11', 'paint', 'Paint the tower', null, '{"color": "white"}');

insert into tasks (project_id, title, body, priority, tags, due, created_by)
select p.id, 'Order a new lens', 'Ask the glassworks for a price', 1, '{buy,glass}', date '2026-03-01', t.created_by
from projects p join teams t on t.id = p.team_id where p.slug = 'lamp';

insert into tasks (project_id, title, priority, tags, done, created_by)
select p.id, 'Buy paint', 3, '{buy}', true, t.created_by
from projects p join teams t on t.id = p.team_id where p.slug = 'paint';

insert into labels (team_id, name, color) values ('6f1c1a0e-6d5c-4d6f-9b8e-0d3a7f5f2a11', 'urgent', '#cc0000');
