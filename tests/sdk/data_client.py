"""Drives the data API of a running server with the real supabase-py, over the schema of examples/team-tasks.

Arguments: the server's address, the anon key, the service key.
"""

import sys

from postgrest.exceptions import APIError
from supabase import create_client

url, anon_key, service_key = sys.argv[1:]
PASSWORD = "correct horse battery"
TEAM = "22222222-2222-4222-8222-222222222222"


def refused(code, request):
    try:
        request.execute()
    except APIError as error:
        assert error.code == code, error
        return error
    raise AssertionError(f"it was not refused with {code}")


def signed_up(email):
    client = create_client(url, anon_key)
    return client, client.auth.sign_up({"email": email, "password": PASSWORD}).user.id


ada, ada_id = signed_up("ada@example.org")
eve, _ = signed_up("eve@example.org")
service = create_client(url, service_key)

ada.table("teams").insert({"id": TEAM, "name": "Harbour", "created_by": ada_id}).execute()
# Nobody sees the first member's row while it is being made: members see each other once they are members.
ada.table("team_members").insert({"team_id": TEAM, "user_id": ada_id, "role": "owner"}, returning="minimal").execute()
project = ada.table("projects").insert({"team_id": TEAM, "slug": "quay", "title": "Mend the quay", "budget": 10.25}).execute().data[0]
assert project["budget"] == 10.25 and project["settings"] == {}, project

tasks = [{"project_id": project["id"], "title": f"Stone {place}", "priority": place % 3 + 1, "tags": ["stone"]} for place in range(6)]
made = ada.table("tasks").insert(tasks).execute().data
assert [task["title"] for task in made] == [task["title"] for task in tasks], made

page = ada.table("tasks").select("title", count="exact").eq("priority", 1).order("id", desc=True).range(0, 0).execute()
assert (page.count, page.data) == (2, [{"title": "Stone 3"}]), page
chosen = ada.table("tasks").select("title").or_("title.eq.Stone 1,and(priority.eq.3,title.like.*5)").order("id").execute().data
assert [row["title"] for row in chosen] == ["Stone 1", "Stone 5"], chosen
contains = ada.table("tasks").select("id", count="exact", head=True).contains("tags", ["stone"]).execute()
assert contains.count == 6, contains
nested = ada.table("teams").select("name, projects(slug, tasks(title))").eq("projects.tasks.priority", 2).single().execute().data
assert nested["name"] == "Harbour" and [task["title"] for task in nested["projects"][0]["tasks"]] == ["Stone 1", "Stone 4"], nested
assert ada.table("tasks").select("title").eq("title", "none").maybe_single().execute() is None
csv = ada.table("tasks").select("title, priority").order("id").limit(2).csv().execute().data
assert csv.splitlines() == ["title,priority", "Stone 0,1", "Stone 1,2"], csv

updated = ada.table("tasks").update({"done": True}).lt("priority", 2).execute().data
assert len(updated) == 2 and all(task["done"] for task in updated), updated
upserted = ada.table("projects").upsert({"team_id": TEAM, "slug": "quay", "title": "The quay"}, on_conflict="team_id,slug").execute().data
assert upserted[0]["id"] == project["id"] and upserted[0]["title"] == "The quay", upserted
deleted = ada.table("tasks").delete().eq("title", "Stone 5").execute().data
assert [task["title"] for task in deleted] == ["Stone 5"], deleted

assert ada.rpc("is_owner", {"team": TEAM}).execute().data is True
totals = ada.rpc("team_totals", {"team": TEAM}).execute().data
assert totals == [{"project": "The quay", "tasks": 5, "done": 2}], totals

assert eve.table("tasks").select("*").execute().data == []
assert service.table("tasks").select("*", count="exact").execute().count == 5
refused("42501", eve.table("projects").insert({"team_id": TEAM, "slug": "x", "title": "x"}))
refused("42501", create_client(url, anon_key).table("tasks").select("*"))
refused("23505", ada.table("team_members").insert({"team_id": TEAM, "user_id": ada_id}))
refused("PGRST205", ada.table("nothing").select("*"))
refused("PGRST116", ada.table("tasks").select("*").single())
