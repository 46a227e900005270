-- When Argo CD shows a Sandbox as healthy. It says what the conditions say (docs/crds.md), nothing of its own:
-- Ready is healthy; Stalled needs a person; Reconciling goes on by itself; and a sandbox that is Stopped (suspended,
-- past its lifetime) rests, with its home let go.
local function find(conditions, wanted)
  for _, condition in ipairs(conditions or {}) do
    if condition.type == wanted then return condition end
  end
end

local status = obj.status or {}
if status.observedGeneration ~= obj.metadata.generation then
  return { status = "Progressing", message = "the controller has not seen this version yet" }
end
local stalled = find(status.conditions, "Stalled")
if stalled and stalled.status == "True" then
  return { status = "Degraded", message = stalled.reason .. ": " .. stalled.message }
end
local reconciling = find(status.conditions, "Reconciling")
if reconciling and reconciling.status == "True" then
  return { status = "Progressing", message = reconciling.reason .. ": " .. reconciling.message }
end
local stopped = find(status.conditions, "Stopped")
if stopped and stopped.status == "True" then
  return { status = "Suspended", message = stopped.reason .. ": " .. stopped.message }
end
local ready = find(status.conditions, "Ready")
if not ready then
  return { status = "Progressing", message = "the controller has not said how it is" }
end
local message = ready.reason .. ": " .. ready.message
if ready.status == "True" then
  return { status = "Healthy", message = message }
end
return { status = "Progressing", message = message }
