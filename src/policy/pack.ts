/**
 * The policies that are in force from the first start. Each can be turned off by its name in `signalbox.yaml`, which a
 * plan shows as a widening. Conditions that are known when a bundle is loaded stand first: a tool that they cannot
 * concern never pays for them.
 */
export const PACK: { readonly [id: string]: string } = {
  'signalbox.grants-decide': `@id("signalbox.grants-decide")
@reason("what an agent is granted is permitted, unless a policy forbids it")
permit (principal, action, resource);`,

  'signalbox.production-destroy': `@id("signalbox.production-destroy")
@reason("nothing is destroyed in production without a human")
@fix("ask for approval, or use a tool that only reads")
forbid (principal, action in Action::"effect:destroy", resource)
when { context.mode == Mode::"auto" && context.tool.production };`,

  'signalbox.egress': `@id("signalbox.egress")
@reason("nothing leaves the organisation unasked")
@fix("ask for approval, or use a destination inside the organisation")
forbid (principal, action, resource)
when { context.mode == Mode::"auto" && context.flow.egress };`,

  'signalbox.private-untrusted-egress': `@id("signalbox.private-untrusted-egress")
@reason("private data, words of strangers and a way out came together in this run")
@fix("ask for approval, or do it in a run that has read neither")
forbid (principal, action, resource)
when { context.mode == Mode::"auto" && context.flow.egress && context.flow.private && context.flow.untrusted };`,

  'signalbox.changed-destination': `@id("signalbox.changed-destination")
@reason("it changes where something goes from now on")
@fix("ask for approval")
forbid (principal, action, resource)
when { context.mode == Mode::"auto" && context.flow.changesDestination };`,

  'signalbox.freeze': `@id("signalbox.freeze")
@reason("production is frozen now: nothing in it changes")
@fix("wait until the freeze is over; what was drafted is kept for a human")
forbid (principal, action in [Action::"effect:write", Action::"effect:destroy"], resource)
when { context.tool.production && context.clock.frozen && context.mode != Mode::"draft" };`,

  'signalbox.off-hours': `@id("signalbox.off-hours")
@reason("nobody is at work now to see what happens")
@fix("ask for approval, or wait for working hours")
forbid (principal, action in [Action::"effect:write", Action::"effect:destroy"], resource)
when { context.mode == Mode::"auto" && context.tool.production && context.clock.offHours };`,
};
