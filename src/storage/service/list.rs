//! Listings.

use serde::Deserialize;

use super::{StorageService, beyond};
use crate::db::Conn;
use crate::storage::model::{Caller, Column, Cursor, Entry, Flat, Folder, ListRequest, Object, Page, PageRequest, Sort};
use crate::storage::queries::own::Order;
use crate::storage::queries::{Ask, Own, Value, buckets, own};
use crate::storage::{Error, Result};
use crate::types::Timestamp;

/// Objects that one statement reads at the most.
const BATCH: u32 = 1000;

#[derive(Deserialize)]
struct Named {
    name: String,
}

impl StorageService {
    /// One level of a bucket: folders first, then objects, those that the caller may see.
    ///
    /// # Errors
    /// [`Error::NoSuchBucket`]; what a policy is refused for.
    pub async fn list(&self, caller: &Caller, request: &ListRequest) -> Result<Vec<Entry>> {
        let mut conn = self.0.db.read().await?;
        buckets::find(&mut conn, request.bucket.as_str()).await?.ok_or(Error::NoSuchBucket)?;
        let ask = self.ask(caller)?;
        let (limit, offset) = (u64::from(request.limit), u64::from(request.offset));
        let all = if request.sort.column == Column::Name && request.sort.descending { Own::FoldersDown } else { Own::Folders };
        let folders: Vec<Named> = own::rows(&mut conn, ask.compiled(all, arguments(request, offset + limit, 0))?).await?;
        let before = folders.len() as u64;
        let mut entries: Vec<Entry> = folders
            .into_iter()
            .skip(usize::try_from(offset).unwrap_or(usize::MAX))
            .map(|folder| Entry::Folder(folder.name))
            .collect();
        let left = limit.saturating_sub(entries.len() as u64);
        if left > 0 {
            let values = arguments(request, left, offset.saturating_sub(before));
            let objects: Vec<Object> = own::rows(&mut conn, ask.compiled(Own::Level(order(request.sort)), values)?).await?;
            entries.extend(objects.into_iter().map(|object| {
                let name = object.name.get(request.folder.len()..).unwrap_or(&object.name).to_owned();
                Entry::Object(name, Box::new(object))
            }));
        }
        Ok(entries)
    }

    /// Objects by name that the caller may see, a page at a time.
    ///
    /// # Errors
    /// As [`StorageService::list`].
    pub async fn page(&self, caller: &Caller, request: &PageRequest) -> Result<Page> {
        let mut conn = self.0.db.read().await?;
        buckets::find(&mut conn, request.bucket.as_str()).await?.ok_or(Error::NoSuchBucket)?;
        let walk = Walk { ask: self.ask(caller)?, request };
        let wanted = request.limit as usize;
        let mut page = Page::default();
        let mut from = From::Start;
        if let Some(after) = request.after.as_deref().filter(|after| *after >= request.prefix.as_str()) {
            from = From::After(if request.by_folder && after.ends_with('/') { beyond(after) } else { after.to_owned() });
        }
        while page.entries.len() <= wanted {
            let missing = u32::try_from(wanted + 1 - page.entries.len()).unwrap_or(BATCH).min(BATCH);
            let batch = walk.names(&mut conn, &from, missing).await?;
            let is_last = batch.len() < missing as usize;
            let Some(last) = batch.last().map(|object| object.name.clone()) else { break };
            walk.gather(batch, &mut page);
            if is_last {
                break;
            }
            // What is left of the last folder is passed over.
            from = From::After(match page.entries.last() {
                Some(Flat::Folder(Folder(folder))) if last.starts_with(folder.as_str()) => beyond(folder),
                _ => last,
            });
        }
        page.end_after(wanted);
        Ok(page)
    }
}

/// The earliest and the latest time that an object can have, in microseconds.
const EVER: [i64; 2] = [0, 253_402_300_799_999_999];

impl StorageService {
    /// The same as [`StorageService::page`], from the last name to the first; `after` of the request is what the page comes before.
    ///
    /// # Errors
    /// As [`StorageService::page`].
    pub async fn page_down(&self, caller: &Caller, request: &PageRequest) -> Result<Page> {
        let mut conn = self.0.db.read().await?;
        buckets::find(&mut conn, request.bucket.as_str()).await?.ok_or(Error::NoSuchBucket)?;
        let walk = Walk { ask: self.ask(caller)?, request };
        let wanted = request.limit as usize;
        let mut page = Page::default();
        let end = beyond(&request.prefix);
        let mut below = request.after.clone().filter(|after| *after < end).unwrap_or(end);
        while page.entries.len() <= wanted {
            let missing = u32::try_from(wanted + 1 - page.entries.len()).unwrap_or(BATCH).min(BATCH);
            let values = vec![
                request.bucket.as_str().into(),
                request.prefix.as_str().into(),
                Value::Text(below),
                Value::Int(Some(missing.into())),
            ];
            let batch: Vec<Object> = own::rows(&mut conn, walk.ask.compiled(Own::NamesDown, values)?).await?;
            let is_last = batch.len() < missing as usize;
            let Some(last) = batch.last().map(|object| object.name.clone()) else { break };
            walk.gather(batch, &mut page);
            if is_last {
                break;
            }
            below = match page.entries.last() {
                Some(Flat::Folder(Folder(folder))) if last.starts_with(folder.as_str()) => folder.clone(),
                _ => last,
            };
        }
        page.end_after(wanted);
        Ok(page)
    }

    /// A page of a bucket by time: where folders are put together they come first, by name.
    ///
    /// # Errors
    /// As [`StorageService::page`].
    pub async fn page_by_time(
        &self,
        caller: &Caller,
        request: &PageRequest,
        sort: Sort,
        from: Option<Cursor>,
    ) -> Result<(Vec<Flat>, Option<Cursor>)> {
        let mut conn = self.0.db.read().await?;
        buckets::find(&mut conn, request.bucket.as_str()).await?.ok_or(Error::NoSuchBucket)?;
        let ask = self.ask(caller)?;
        let wanted = request.limit as usize;
        let within = || [request.bucket.as_str().into(), request.prefix.as_str().into(), Value::Text(beyond(&request.prefix))];
        let rest = || Value::Int(i64::try_from(request.prefix.chars().count() + 1).ok());
        let limit = |there: usize| Value::Int(i64::try_from(wanted + 1 - there).ok());
        let mut entries = Vec::new();
        let folder = match &from {
            None => Some(String::new()),
            Some(Cursor::Folder(folder)) => Some(folder.clone()),
            Some(Cursor::Object(..)) => None,
        };
        if let Some(folder) = folder.filter(|_| request.by_folder) {
            let values = within().into_iter().chain([rest(), Value::Text(folder), limit(0)]).collect();
            let folders: Vec<Named> = own::rows(&mut conn, ask.compiled(Own::FoldersAfter, values)?).await?;
            entries.extend(folders.into_iter().map(|it| Flat::Folder(Folder(format!("{}{}/", request.prefix, it.name)))));
        }
        if entries.len() <= wanted {
            let ever = |index: usize| Timestamp::from_micros(EVER[index]).unwrap_or_else(|| self.now());
            let (at, name) = match from {
                Some(Cursor::Object(at, name)) => (at, name),
                _ if sort.descending => (ever(1), beyond("")),
                _ => (ever(0), String::new()),
            };
            let all = Value::Flag(!request.by_folder);
            let of_time = [Value::At(at), Value::Text(name), all, rest(), limit(entries.len())];
            let values = within().into_iter().chain(of_time).collect();
            let objects: Vec<Object> = own::rows(&mut conn, ask.compiled(Own::After(order(sort)), values)?).await?;
            entries.extend(objects.into_iter().map(|object| Flat::Object(Box::new(object))));
        }
        let has_next = entries.len() > wanted;
        entries.truncate(wanted);
        let next = entries.last().filter(|_| has_next).map(|entry| match entry {
            Flat::Folder(Folder(name)) => {
                Cursor::Folder(name.get(request.prefix.len()..).unwrap_or_default().trim_end_matches('/').to_owned())
            }
            Flat::Object(object) => {
                let at = match sort.column {
                    Column::UpdatedAt => object.updated_at,
                    Column::LastAccessedAt => object.last_accessed_at,
                    Column::CreatedAt | Column::Name => object.created_at,
                };
                Cursor::Object(at, object.name.clone())
            }
        });
        Ok((entries, next))
    }
}

impl Page {
    /// Ends the page after so many entries, and says where the next begins.
    fn end_after(&mut self, wanted: usize) {
        if self.entries.len() > wanted {
            self.entries.truncate(wanted);
            self.next = self.entries.last().map(|entry| match entry {
                Flat::Folder(Folder(name)) => name.clone(),
                Flat::Object(object) => object.name.clone(),
            });
        }
    }
}

/// Where a statement begins.
enum From {
    /// At the prefix itself.
    Start,
    After(String),
}

struct Walk<'r> {
    ask: Ask,
    request: &'r PageRequest,
}

impl Walk<'_> {
    async fn names(&self, conn: &mut Conn, from: &From, limit: u32) -> Result<Vec<Object>> {
        let (own, from) = match from {
            From::Start => (Own::NamesFrom, self.request.prefix.as_str()),
            From::After(name) => (Own::Names, name.as_str()),
        };
        let below = beyond(&self.request.prefix);
        let values = vec![self.request.bucket.as_str().into(), from.into(), Value::Text(below), Value::Int(Some(limit.into()))];
        own::rows(conn, self.ask.compiled(own, values)?).await
    }

    /// Adds objects to a page, those below a further `/` as their folder.
    fn gather(&self, objects: Vec<Object>, page: &mut Page) {
        for object in objects {
            let rest = object.name.get(self.request.prefix.len()..).unwrap_or_default();
            let Some(slash) = rest.find('/').filter(|_| self.request.by_folder) else {
                page.entries.push(Flat::Object(Box::new(object)));
                continue;
            };
            let folder = Flat::Folder(Folder(object.name[..=self.request.prefix.len() + slash].to_owned()));
            let is_known = matches!((page.entries.last(), &folder), (Some(Flat::Folder(last)), Flat::Folder(new)) if last == new);
            if !is_known {
                page.entries.push(folder);
            }
        }
    }
}

/// The arguments of the statements about one level.
fn arguments(request: &ListRequest, limit: u64, offset: u64) -> Vec<Value> {
    let rest = i64::try_from(request.folder.chars().count() + 1).unwrap_or(i64::MAX);
    vec![
        request.bucket.as_str().into(),
        request.folder.as_str().into(),
        Value::Text(beyond(&request.folder)),
        Value::Int(Some(rest)),
        request.search.as_str().into(),
        Value::Int(i64::try_from(limit).ok()),
        Value::Int(i64::try_from(offset).ok()),
    ]
}

const fn order(sort: Sort) -> Order {
    match (sort.column, sort.descending) {
        (Column::Name, false) => Order::Name,
        (Column::Name, true) => Order::NameDown,
        (Column::CreatedAt, false) => Order::Created,
        (Column::CreatedAt, true) => Order::CreatedDown,
        (Column::UpdatedAt, false) => Order::Updated,
        (Column::UpdatedAt, true) => Order::UpdatedDown,
        (Column::LastAccessedAt, false) => Order::Accessed,
        (Column::LastAccessedAt, true) => Order::AccessedDown,
    }
}
