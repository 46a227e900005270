-- When Argo CD shows a Workspace as healthy: it can be used, and no session of it ended in a conflict. That something is
-- not saved yet is no fault while a sandbox works. Stalled needs a person; Reconciling goes on by itself.
local function find(conditions, wanted)
  for _, condition in ipairs(conditions or {}) do
    if condition.type == wanted then return condition end
  end
end

local status = obj.status or {}
if status.observedGeneration ~= obj.metadata.generation then
  return { status = "Progressing", message = "the controller has not seen this version yet" }
end
local conflict = find(status.conditions, "Conflict")
if conflict and conflict.status == "True" then
  return { status = "Degraded", message = conflict.reason .. ": " .. conflict.message }
end
local ready = find(status.conditions, "Ready")
if not ready then
  return { status = "Progressing", message = "the controller has not said how it is" }
end
local message = ready.reason .. ": " .. ready.message
if ready.status == "True" then
  return { status = "Healthy", message = message }
end
local reconciling = find(status.conditions, "Reconciling")
if reconciling and reconciling.status == "True" then
  return { status = "Progressing", message = message }
end
return { status = "Degraded", message = message }
