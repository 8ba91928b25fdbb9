"""Answers policy questions with the real oslo.policy: JSON on stdin, verdicts as JSON on stdout."""
import json
import logging
import sys
import warnings

from oslo_config import cfg
from oslo_policy import _checks
from oslo_policy import policy

warnings.simplefilter('ignore')
logging.disable(logging.CRITICAL)


class Rules:
    def __init__(self, rules):
        self.rules = policy.Rules.from_dict(rules, 'default')


def language(case):
    enforcer = Rules(case['rules'])
    try:
        return bool(_checks._check(enforcer.rules['asked'], case['target'], case['creds'], enforcer, 'asked'))
    except Exception:
        return None


def deployment(case):
    conf = cfg.ConfigOpts()
    conf([], default_config_files=[])
    enforcer = policy.Enforcer(conf, policy_file=case['file'])
    conf.set_override('enforce_new_defaults', case['enforceNewDefaults'], group='oslo_policy')
    conf.set_override('enforce_scope', True, group='oslo_policy')
    conf.set_override('policy_dirs', [], group='oslo_policy')
    enforcer.suppress_deprecation_warnings = True
    enforcer.suppress_default_change_warnings = True
    for rule in case['defaults']:
        old = rule.get('old')
        deprecated = old and policy.DeprecatedRule(
            name=old['name'], check_str=old['check'], deprecated_reason='r', deprecated_since='s')
        enforcer.register_default(policy.RuleDefault(
            rule['name'], rule['check'], 'd', deprecated_rule=deprecated, scope_types=rule['scopes'] or None))
    verdicts = []
    for ask in case['asks']:
        creds = dict(ask['creds'], is_admin=False)
        own = {'project_id': creds['project_id'], 'user_id': creds['user_id']}
        creds['is_admin'] = bool(enforcer.enforce('context_is_admin', own, dict(creds)))
        verdicts.append(bool(enforcer.enforce(ask['rule'], ask['target'], creds)))
    return verdicts


question = json.load(sys.stdin)
json.dump({
    'language': [language(case) for case in question['language']],
    'deployments': [deployment(case) for case in question['deployments']],
}, sys.stdout)
