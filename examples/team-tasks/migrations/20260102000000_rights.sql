-- Who may do what. A member of a team sees and edits what belongs to it; its owners say who is a member.

create function is_member(team uuid) returns boolean
language sql stable security definer as $$
    select exists (select 1 from team_members m where m.team_id = team and m.user_id = auth.uid())
$$;

create function is_owner(team uuid) returns boolean
language sql stable security definer as $$
    select exists (select 1 from team_members m where m.team_id = team and m.user_id = auth.uid() and m.role = 'owner')
$$;

create function team_of_project(project bigint) returns uuid
language sql stable security definer as $$
    select p.team_id from projects p where p.id = project
$$;

alter table teams enable row level security;
alter table team_members enable row level security;
alter table projects enable row level security;
alter table tasks enable row level security;
alter table labels enable row level security;
alter table task_labels enable row level security;

grant select, insert, update, delete on teams, team_members, projects, labels, task_labels to authenticated;
grant select, delete on tasks to authenticated;
grant insert (project_id, title, body, done, priority, tags, due, assignee_id, parent_id) on tasks to authenticated;
grant update (title, body, done, priority, tags, due, assignee_id, parent_id) on tasks to authenticated;

create policy "members see their teams" on teams for select to authenticated
    using (is_member(id) or created_by = auth.uid());
create policy "anyone founds a team" on teams for insert to authenticated
    with check (created_by = auth.uid());
create policy "owners change their team" on teams for update to authenticated
    using (is_owner(id)) with check (is_owner(id));
create policy "owners dissolve their team" on teams for delete to authenticated
    using (is_owner(id));

create policy "members see each other" on team_members for select to authenticated
    using (is_member(team_id));
create policy "owners and founders add members" on team_members for insert to authenticated
    with check (
        is_owner(team_id)
        or (user_id = auth.uid() and exists (select 1 from teams t where t.id = team_id and t.created_by = auth.uid()))
    );
create policy "owners remove members, members leave" on team_members for delete to authenticated
    using (is_owner(team_id) or user_id = auth.uid());

create policy "members work on projects" on projects for all to authenticated
    using (is_member(team_id)) with check (is_member(team_id));

create policy "members work on tasks" on tasks for all to authenticated
    using (is_member(team_of_project(project_id))) with check (is_member(team_of_project(project_id)));
create policy "nobody deletes what is done" on tasks as restrictive for delete to authenticated
    using (not done);

create policy "members work on labels" on labels for all to authenticated
    using (is_member(team_id)) with check (is_member(team_id));
create policy "members label tasks" on task_labels for all to authenticated
    using (exists (select 1 from tasks t where t.id = task_id))
    with check (exists (select 1 from tasks t where t.id = task_id));
