-- What the app shows at a glance.

create view open_tasks as
    select t.id, t.title, t.priority, t.due, t.project_id, p.title as project
    from tasks t join projects p on p.id = t.project_id
    where not t.done;

grant select on open_tasks to authenticated;

create function due_before(day date, most integer default 20) returns setof tasks
language sql stable as $$
    select * from tasks where due < day and not done order by due, id limit most
$$;

create function team_totals(team uuid) returns table (project text, tasks bigint, done bigint)
language sql stable as $$
    select p.title, count(t.id), count(t.id) filter (where t.done)
    from projects p left join tasks t on t.project_id = p.id
    where p.team_id = team
    group by p.id, p.title
    order by p.title
$$;

create function complete(task bigint) returns setof tasks
language sql as $$
    update tasks set done = true where id = task returning *
$$;
