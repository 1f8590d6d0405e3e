-- Teams, who is in them, and what they work on.

create table teams (
    id         uuid primary key default gen_random_uuid(),
    name       text not null check (length(name) between 1 and 80),
    created_by uuid not null default auth.uid() references auth.users (id),
    created_at timestamptz not null default now()
);

create table team_members (
    team_id   uuid not null references teams (id) on delete cascade,
    user_id   uuid not null references auth.users (id) on delete cascade,
    role      text not null default 'member' check (role in ('owner', 'member')),
    joined_at timestamptz not null default now(),
    primary key (team_id, user_id)
);

create index team_members_user_id on team_members (user_id);

create table projects (
    id       bigint generated always as identity primary key,
    team_id  uuid not null references teams (id) on delete cascade,
    slug     text not null,
    title    text not null,
    budget   numeric(12, 2),
    settings jsonb not null default '{}',
    unique (team_id, slug)
);

create table tasks (
    id          bigint generated always as identity primary key,
    project_id  bigint not null references projects (id) on delete cascade,
    title       text not null check (length(title) > 0),
    body        text not null default '',
    done        boolean not null default false,
    priority    smallint not null default 2 check (priority between 1 and 3),
    tags        text[] not null default '{}',
    due         date,
    assignee_id uuid references auth.users (id) on delete set null,
    parent_id   bigint references tasks (id) on delete cascade,
    created_by  uuid not null default auth.uid() references auth.users (id),
    created_at  timestamptz not null default now()
);

create index tasks_project_id on tasks (project_id, done);

create table labels (
    id      bigint generated always as identity primary key,
    team_id uuid not null references teams (id) on delete cascade,
    name    text not null,
    color   text not null default '#888888' check (color like '#______')
);

create table task_labels (
    task_id  bigint not null references tasks (id) on delete cascade,
    label_id bigint not null references labels (id) on delete cascade,
    primary key (task_id, label_id)
);
