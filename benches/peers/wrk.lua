-- Makes wrk send a body when it is given one, send rows' numbers, and print its figures as one line of JSON.
--
-- Arguments: a file with the body (or nothing in it), the greatest row, and the method ("" for POST of JSON with a body, and for GET without). In the path and in the body `{n}` becomes a number that differs in every
-- request, `{r}` the number of a row by chance, and `{r14}` the same with fourteen digits. Without any the request is built once.

function init(args)
  local file = assert(io.open(args[1], "r"))
  local body, most = file:read("*a"), tonumber(args[2])
  file:close()
  if args[3] and args[3] ~= "" then
    wrk.method = args[3]
  elseif body ~= "" then
    wrk.method = "POST"
    wrk.headers["content-type"] = "application/json"
  end
  if body ~= "" then
    wrk.body = body
  end
  -- The path's braces do not pass wrk's own reading of an address.
  local path = string.gsub(string.gsub(wrk.path, "%%7B", "{"), "%%7D", "}")
  if not string.find(path .. body, "{[nr]1?4?}") then
    return
  end
  math.randomseed(1)
  local count = 0
  request = function()
    count = count + 1
    local row = math.random(most)
    local values = { n = tostring(count), r = tostring(row), r14 = string.format("%014d", row) }
    local sent = body ~= "" and string.gsub(body, "{(%w+)}", values) or nil
    return wrk.format(nil, string.gsub(path, "{(%w+)}", values), nil, sent)
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  print(string.format(
    '{"requests":%d,"seconds":%.6f,"p50_ms":%.4f,"p99_ms":%.4f,"refused":%d,"broken":%d}',
    summary.requests,
    summary.duration / 1e6,
    latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3,
    errors.status,
    errors.connect + errors.read + errors.write + errors.timeout
  ))
end
